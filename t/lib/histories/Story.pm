# Story: a random history of one account, told by a seed: users and other clients
# change both sides, syncs are killed, and a calm one ends each round, after
# which all must be as the oracle says.
package Story;
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use File::Path qw(remove_tree);

use Maildir;
use Oracle;
use Server;

my ($DISK, $SERVER, $BASE) = (0, 1, 2);
my @sides = ('disk', 'server');

# By their bits. Keywords are without case.
my @pool = ('\Seen', '\Answered', '\Flagged', '\Draft', '$Forwarded', 'work',
	'later', '$Label1', '\Deleted');
my $DELETED = 1 << $#pool;
my $KEYWORDS = 7 << 5;
my %bits = map { lc $pool[$_] => 1 << $_ } 0 .. $#pool;

my @mailboxes = ('INBOX', 'A', 'A/B', "Entw\xc3\xbcrfe", 'C', 'D/E/F', 'Late',
	'Sent', "R\xc3\xa4tsel");
my $KEPT_AT_FIRST = 4; # of these

my $ROUNDS = 4;
my $ACTS = 14;
my $KILLS = 3;

# What a server offers that has nothing; and what more, each by itself.
my $plain = 'IMAP4rev1 SASL-IR ID NAMESPACE CHILDREN LITERAL+';
my @more = ('CONDSTORE ENABLE', 'QRESYNC CONDSTORE ENABLE', 'UIDPLUS', 'MOVE',
	'LIST-EXTENDED LIST-STATUS', 'ESEARCH', 'UNSELECT', 'MULTIAPPEND',
	'SPECIAL-USE', 'IDLE');

sub chance { return int rand $_[0] }
sub one_in { return rand($_[0]) < 1 }
sub pick { return @_ ? $_[int rand @_] : undef }

# What the server of a seed offers; empty: all it can.
sub capabilities {
	my ($seed) = @_;
	my $kind = $seed % 8;
	return '' if $kind == 0;
	return "$plain @more[0, 2, 3, 4, 5, 6]" if $kind == 1;
	return "$plain @more[2 .. 9]" if $kind == 2;
	return "$plain @more[1, 2, 3, 5, 6]" if $kind == 3;
	return "$plain @more[1, 2, 4, 5, 6, 7]" if $kind == 4;
	return "$plain @more[1, 3, 4, 5, 6]" if $kind == 5;
	return 'IMAP4rev1' if $kind == 6;
	return join ' ', $plain, grep { one_in(2) } @more;
}

# %world: dir (the story's own), server (the fixture's folder), godwit, die_at,
# user.
sub new {
	my ($class, $seed, %world) = @_;
	my $self = bless { %world, seed => $seed, tale => [], last => 0,
		detached => {}, names => [{}, {}], round => 0 }, $class;
	srand $seed * 2_654_435_761 % 2 ** 32; # else neighbours are alike
	my $offers = capabilities($seed);
	$self->{proves} = !$offers || $offers =~ /CONDSTORE/;
	$self->{expunges} = !$offers || $offers =~ /UIDPLUS/;
	$self->{over_tcp} = !$offers && one_in(2);
	my $remove = pick('none', 'both', 'local', 'server');
	my $layout = pick('nested', 'nested', 'maildir++');
	$self->{removes} = [$remove =~ /both|local/ ? 1 : 0,
		$remove =~ /both|server/ && $self->{expunges} ? 1 : 0];
	$self->{mail} = Maildir->new("$world{dir}/Mail", $layout);
	$self->{oracle} = Oracle->new(removes => $self->{removes},
		keywords => $KEYWORDS);
	$self->configure($offers, $layout, $remove);
	return $self;
}

sub tell {
	my ($self, $format, @values) = @_;
	push @{$self->{tale}}, sprintf $format, @values;
	return;
}

# What runs a program of Dovecot's as the server would, who is an ordinary user
# (t/lib/server.sh).
sub as_server {
	my ($self, @command) = @_;
	my @user = ('env', "USER=$self->{user}",
		"HOME=$self->{server}/mail/$self->{user}", @command, '-c',
		"$self->{server}/dovecot.conf");
	return @user if $>;
	my ($group) = split ' ', `id -g nobody`;
	return ('setpriv', '--reuid', 'nobody', '--regid', $group,
		'--clear-groups', '--inh-caps', '+dac_override',
		'--ambient-caps', '+dac_override', @user);
}

sub configure {
	my ($self, $offers, $layout, $remove) = @_;
	my @tunnel = ($self->as_server('/usr/lib/dovecot/imap'),
		$offers ? ('-o', "imap_capability=$offers") : ());
	my $connections = 1 + chance(4);
	my $port = Maildir::slurp("$self->{server}/port-tls");
	my @wire = $self->{over_tcp} ? ('server: localhost:' . ($port =~ s/\s//gr),
			"user: $self->{user}", 'password: {env: PASSWORD}',
			"tls: {ca: $self->{server}/tls/ca.crt}")
		: 'tunnel: [' . join(', ', map { "'$_'" } @tunnel) . ']';
	Maildir::spill("$self->{dir}/godwit.yaml", join "\n    ",
		"accounts:\n  home:", @wire, "maildir: $self->{dir}/Mail",
		"state: $self->{dir}/state", "layout: $layout",
		"remove: $remove", "connections: $connections\n");
	$self->tell('%s, layout %s, remove %s, %d connections',
		$offers || ($self->{over_tcp} ? 'Dovecot over TCP' : 'Dovecot'),
		$layout, $remove, $connections);
	return;
}

# ---- Messages and mailboxes --------------------------------------------------

sub wire_name {
	my ($name) = @_;
	$name =~ s/\xc3\xbc/&APw-/g;
	$name =~ s/\xc3\xa4/&AOQ-/g;
	return $name;
}

sub disk_name {
	my ($name) = @_;
	$name =~ s/&APw-/\xc3\xbc/g;
	$name =~ s/&AOQ-/\xc3\xa4/g;
	return $name;
}

# The name of a mailbox on a side where it may have been renamed.
sub name_on {
	my ($self, $side, $box) = @_;
	my $name = $self->{names}[$side]{$box} // $box;
	return $side == $SERVER ? wire_name($name) : $name;
}

sub date_of { return 1_000_000_000 + $_[0] * 1_000_003 }

# A message with CRLF line ends, always the same for a number.
sub message {
	my ($number) = @_;
	my $kind = $number % 9;
	my $text = "From: bird\@example.org\r\nSubject: message $number.\r\n"
		. "Message-ID: <$number\@example.org>\r\n\r\n";
	return $text if $kind == 4;
	$text .= "Line $_ of $number.\r\n" for 1 .. $number % 13 + 1;
	$text .= "A bare \r in it.\r\n" if $kind == 2;
	$text .= 'long ' x 900 . "\r\n" if $kind == 3;
	$text .= join('', map { chr 32 + $_ % 224 } 0 .. 3000) . "\r\n"
		if $kind == 5;
	$text .= 'many ' x 12 . "\r\n" for $kind == 6 ? 1 .. 800 : ();
	$text .= 'no last line end' if $kind == 0;
	return $text;
}

sub flags_of {
	my ($bits) = @_;
	return map { $bits >> $_ & 1 ? $pool[$_] : () } 0 .. $#pool;
}

sub bits_of {
	my (@flags) = @_;
	my $bits = 0;
	$bits |= $bits{lc $_} // die "histories: flag $_?\n" for @flags;
	return $bits;
}

# Where nothing is expunged, \Deleted is as good as gone.
sub some_flags {
	my ($self) = @_;
	return 0 if one_in(3);
	my $bits = chance(1 << @pool) & chance(1 << @pool);
	return $self->{expunges} && one_in(3) ? $bits : $bits & ~$DELETED;
}

sub side_of {
	my ($self, $side) = @_;
	return $self->{oracle}->side($side);
}

# Mailboxes of a side that a user may do something in.
sub boxes {
	my ($self, $side) = @_;
	return grep { !$self->{untouchable} || !$self->{touched_boxes}{$_} }
		sort keys %{$self->side_of($side)};
}

sub numbers {
	my ($self, $side, $box) = @_;
	return grep { !$self->{untouchable} || !$self->{touched}{$_} }
		sort { $a <=> $b } keys %{$self->side_of($side)->{$box}};
}

# Some message of some mailbox, (box, number), or ().
sub some_message {
	my ($self, $side) = @_;
	my @full = grep { $self->numbers($side, $_) } $self->boxes($side);
	return unless @full;
	my $box = pick(@full);
	return ($box, pick($self->numbers($side, $box)));
}

# A mailbox that a message may go to: it has it not.
sub some_target {
	my ($self, $side, $number) = @_;
	my @free = grep { !exists $self->side_of($side)->{$_}{$number} }
		$self->boxes($side);
	return @free ? pick(@free) : undef;
}

sub touch {
	my ($self, @numbers) = @_;
	$self->{touched}{$_} = 1 for @numbers;
	return;
}

sub touch_box {
	my ($self, $box) = @_;
	$self->{touched_boxes}{$box} = 1;
	$self->touch(keys %{$_->{$box} // {}}) for @{$self->{oracle}{sides}};
	return;
}

# ---- Acts --------------------------------------------------------------------

sub put {
	my ($self, $side, $box, $number, $flags) = @_;
	my $text = message($number);
	my $name = $self->name_on($side, $box);
	$self->tell('%s: add %d to %s with %x', $sides[$side], $number, $box,
		$flags);
	if ($side == $SERVER) {
		$self->{client}->append($name, $text,
			join(' ', flags_of($flags)), date_of($number));
	} else {
		# A bare CR, or none, tells LFs from CRLFs.
		$text =~ s/\r\n/\n/g unless one_in(8) && $number % 9 != 2;
		$self->{mail}->drop($name, $text, date_of($number),
			$flags || one_in(2) ? [flags_of($flags)] : undef);
	}
	$self->side_of($side)->{$box}{$number} = $flags;
	$self->touch($number);
	return;
}

sub act_add {
	my ($self, $side) = @_;
	my $box = pick($self->boxes($side)) // return;
	$self->put($side, $box, ++$self->{last}, $self->some_flags);
	return;
}

sub act_add_on_both {
	my ($self) = @_;
	my @boxes = grep { exists $self->side_of($SERVER)->{$_} }
		$self->boxes($DISK);
	my $box = pick(@boxes);
	my $number = ++$self->{last};
	$self->put($_, $box, $number, $self->some_flags) for $DISK, $SERVER;
	return;
}

sub select_message {
	my ($self, $box, $number) = @_;
	return $self->{client}->select_message($self->name_on($SERVER, $box),
		$number, $self->{expunges});
}

sub file_of {
	my ($self, $box, $number) = @_;
	return $self->{mail}->file_of($self->name_on($DISK, $box), $number);
}

sub act_flag {
	my ($self, $side) = @_;
	my ($box, $number) = $self->some_message($side) or return;
	my $old = $self->side_of($side)->{$box}{$number};
	my $flags = $self->some_flags;
	$self->tell('%s: flag %d in %s %x', $sides[$side], $number, $box, $flags);
	if ($side == $DISK) {
		$self->{mail}->carry($self->file_of($box, $number),
			$self->name_on($DISK, $box), [flags_of($flags)], 0);
	} else {
		my $uid = $self->select_message($box, $number);
		my %change = ('+' => $flags & ~$old, '-' => $old & ~$flags);
		$self->{client}->command("UID STORE $uid ${_}FLAGS ("
				. join(' ', flags_of($change{$_})) . ')')
			for grep { $change{$_} } '+', '-';
	}
	$self->side_of($side)->{$box}{$number} = $flags;
	$self->touch($number);
	return;
}

sub act_remove {
	my ($self, $side) = @_;
	my ($box, $number) = $self->some_message($side) or return;
	$self->tell('%s: remove %d from %s', $sides[$side], $number, $box);
	if ($side == $DISK) {
		unlink $self->file_of($box, $number);
	} else {
		$self->{client}->expunge($self->select_message($box, $number));
	}
	delete $self->side_of($side)->{$box}{$number};
	$self->touch($number);
	return;
}

# What comes back to where it was is as new as what was removed is gone.
sub arrive {
	my ($self, $side, $to, $number, $flags) = @_;
	$self->{oracle}->blur($number, $to)
		if $self->{oracle}->has($BASE, $to, $number);
	$self->side_of($side)->{$to}{$number} = $flags;
	$self->touch($number);
	return;
}

sub move {
	my ($self, $side, $box, $number, $to) = @_;
	my $flags = $self->side_of($side)->{$box}{$number};
	if ($side == $SERVER) {
		my $uid = $self->select_message($box, $number);
		$self->{client}->command("UID MOVE $uid \""
			. $self->name_on($SERVER, $to) . '"');
	} else {
		$flags = $self->some_flags if one_in(3);
		$self->{mail}->carry($self->file_of($box, $number),
			$self->name_on($DISK, $to), $flags || one_in(2)
				? [flags_of($flags)] : undef, one_in(2));
	}
	$self->tell('%s: move %d from %s to %s with %x', $sides[$side], $number,
		$box, $to, $flags);
	delete $self->side_of($side)->{$box}{$number};
	$self->arrive($side, $to, $number, $flags);
	return;
}

sub act_move {
	my ($self, $side) = @_;
	my ($box, $number) = $self->some_message($side) or return;
	my $to = $self->some_target($side, $number) // return;
	$self->move($side, $box, $number, $to);
	return;
}

sub act_move_on_both {
	my ($self) = @_;
	my ($box, $number) = $self->some_message($DISK) or return;
	return unless $self->{oracle}->has($SERVER, $box, $number);
	for my $side ($DISK, $SERVER) {
		my $to = $self->some_target($side, $number) // return;
		$self->move($side, $box, $number, $to);
	}
	return;
}

sub act_copy {
	my ($self, $side) = @_;
	my ($box, $number) = $self->some_message($side) or return;
	my $to = $self->some_target($side, $number) // return;
	my $flags = $self->side_of($side)->{$box}{$number};
	if ($side == $SERVER) {
		my $uid = $self->select_message($box, $number);
		$self->{client}->command("UID COPY $uid \""
			. $self->name_on($SERVER, $to) . '"');
	} else {
		$flags = $self->some_flags if one_in(3);
		$self->{mail}->drop($self->name_on($DISK, $to),
			Maildir::slurp($self->file_of($box, $number)),
			date_of($number), [flags_of($flags)]);
	}
	$self->tell('%s: copy %d from %s to %s with %x', $sides[$side], $number,
		$box, $to, $flags);
	$self->arrive($side, $to, $number, $flags);
	return;
}

# A mail reader gives the file of a message another name, for no reason.
sub act_rename_file {
	my ($self) = @_;
	my ($box, $number) = $self->some_message($DISK) or return;
	my $flags = $self->side_of($DISK)->{$box}{$number};
	$self->tell('disk: another name for %d in %s', $number, $box);
	$self->{oracle}->blur($number, $box);
	$self->{mail}->carry($self->file_of($box, $number),
		$self->name_on($DISK, $box), [flags_of($flags)], 1);
	$self->touch($number);
	return;
}

sub act_create {
	my ($self, $side) = @_;
	my @free = grep { !$self->{used}{$_} } @mailboxes;
	my $box = shift @free // return;
	$self->{used}{$box} = 1;
	$self->tell('%s: create %s', $sides[$side], $box);
	$side == $DISK ? $self->{mail}->create($box)
		: $self->{client}->command('CREATE "' . wire_name($box) . '"');
	$self->side_of($side)->{$box} = {};
	$self->touch_box($box);
	return;
}

sub has_child {
	my ($self, $side, $box) = @_;
	return scalar grep { index($_, "$box/") == 0 }
		keys %{$self->side_of($side)};
}

# What is detached becomes another mailbox by another name.
sub has_detached_child {
	my ($self, $box) = @_;
	return scalar grep { index($_, "$box/") == 0 }
		keys %{$self->{detached}};
}

# Whether messages came, went or changed there, of which a sync that died may
# have told the other side.
sub is_stirred {
	my ($self, $box) = @_;
	return scalar grep { $self->{touched}{$_} }
		map { keys %{$_->{$box} // {}} } @{$self->{oracle}{sides}};
}

sub act_delete {
	my ($self, $side) = @_;
	my @leaves = grep {
		$_ ne 'INBOX' && !$self->has_child($side, $_)
			&& !($self->{untouchable} && $self->is_stirred($_))
	} $self->boxes($side);
	my $box = pick(@leaves) // return;
	$self->tell('%s: delete the mailbox %s', $sides[$side], $box);
	if ($side == $DISK) {
		$self->{mail}->remove_mailbox($self->name_on($DISK, $box));
	} else {
		$self->{client}->command('SELECT INBOX');
		$self->{client}->command('DELETE "'
			. $self->name_on($SERVER, $box) . '"');
	}
	$self->touch_box($box);
	delete $self->side_of($side)->{$box};
	return;
}

# The mailbox and those below it, on a side.
sub tree {
	my ($self, $side, $top) = @_;
	return grep { $_ eq $top || index($_, "$top/") == 0 }
		sort keys %{$self->side_of($side)};
}

# Whether a mailbox is as it was when both sides were last equal.
sub is_at_rest {
	my ($self, $box) = @_;
	return $box ne 'INBOX' && !$self->{touched_boxes}{$box}
		&& !grep { !exists $self->side_of($_)->{$box} }
			$DISK, $SERVER, $BASE;
}

# What is below goes along: on disk by itself only if it lies within.
sub act_rename {
	my ($self, $side) = @_;
	my @tops = grep {
		my $top = $_;
		!$self->has_detached_child($top)
			&& !grep { !$self->is_at_rest($_) } map {
				$self->tree($_, $top)
			} $DISK, $SERVER
	} $self->boxes($side);
	my $top = pick(@tops) // return;
	my $name = 'Renamed-' . ++$self->{renamed};
	$self->tell('%s: rename %s to %s', $sides[$side], $top, $name);
	if ($side == $SERVER) {
		$self->{client}->command('SELECT INBOX');
		$self->{client}->command('RENAME "' . wire_name($top)
			. "\" \"$name\"");
	}
	for my $box ($self->tree($side, $top)) {
		my $new = $name . substr $box, length $top;
		$self->{mail}->rename_mailbox($box, $new) if $side == $DISK
			&& ($box eq $top || $self->{mail}->is_flat);
		$self->{names}[$side]{$box} = $new;
		$self->{oracle}->rename($side, $box);
		$self->touch_box($box);
	}
	return;
}

sub act_lose_journal {
	my ($self) = @_;
	return if !$self->{expunges} || $self->is_renaming;
	$self->tell('the journal is lost');
	$self->touch_box($_) for keys %{$self->side_of($BASE)};
	remove_tree("$self->{dir}/state");
	$self->{oracle}->forget(keys %{$self->side_of($BASE)});
	for my $box (keys %{$self->{detached}}) {
		my ($side, $messages) = @{delete $self->{detached}{$box}};
		$self->side_of($side)->{$box} = $messages;
	}
	return;
}

sub act_renumber {
	my ($self) = @_;
	return if !$self->{expunges} || $self->is_renaming;
	my $box = pick($self->boxes($SERVER)) // return;
	return unless exists $self->side_of($BASE)->{$box}
		&& exists $self->side_of($DISK)->{$box};
	$self->tell('server: another UIDVALIDITY for %s', $box);
	$self->touch_box($box);
	# Who has it selected is hung up on.
	$self->{client}->command('SELECT INBOX');
	$self->{client}->command('UNSELECT');
	system($self->as_server('doveadm'), 'mailbox', 'update',
		'--uid-validity', 2_000_000_000 + ++$self->{renumbered},
		$box) == 0
		or die "histories: doveadm fails\n";
	$self->side_of($BASE)->{$box} = {};
	return;
}

sub is_renaming {
	my ($self) = @_;
	return scalar grep { %$_ } @{$self->{names}};
}

sub act {
	my ($self) = @_;
	my $side = chance(2);
	my @acts = (([\&act_add, $side]) x 3, ([\&act_flag, $side]) x 4,
		[\&act_remove, $side], ([\&act_move, $side]) x 3,
		([\&act_copy, $side]) x 2, [\&act_rename_file]);
	push @acts, [\&act_add_on_both], [\&act_move_on_both]
		unless $self->{untouchable};
	push @acts, [\&act_create, $side] if one_in(3);
	push @acts, [\&act_delete, $side] if one_in(4);
	push @acts, [\&act_rename, $side] if one_in(3);
	push @acts, [\&act_lose_journal] if !$self->{untouchable} && one_in(20);
	push @acts, [\&act_renumber] if !$self->{untouchable} && one_in(10);
	my ($act, @arguments) = @{pick(@acts)};
	$act->($self, @arguments);
	return;
}

# ---- Syncs -------------------------------------------------------------------

# Runs a sync to its end, or to the step at which it dies; also waits for what it
# has started. Its exit status.
sub sync {
	my ($self, $die_at) = @_;
	# Who has a mailbox selected that is renamed is hung up on.
	$self->{client}->command('SELECT INBOX');
	$self->{client}->command('UNSELECT');
	$self->{wire} = sprintf '%s/wire-%03d', $self->{dir}, ++$self->{syncs};
	pipe my $end, my $held or die "histories: $!\n";
	my $pid = fork // die "histories: $!\n";
	if ($pid == 0) {
		close $end;
		fcntl $held, 2, 0; # F_SETFD: it stays open in what is run
		open STDOUT, '>', "$self->{dir}/said";
		open STDERR, '>&', \*STDOUT;
		# LeakSanitizer cannot work below ptrace.
		$ENV{ASAN_OPTIONS} = ($ENV{ASAN_OPTIONS} // '')
			. ':detect_leaks=0' if $die_at;
		my @die = $die_at ? ($self->{die_at}, $die_at,
			"$self->{dir}/steps") : ();
		exec @die, $self->{godwit}, 'sync', '--allow-deletes', '-c',
			"$self->{dir}/godwit.yaml", '--wire-log', $self->{wire};
		exit 127;
	}
	close $held;
	waitpid $pid, 0;
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	1 while sysread $end, my $byte, 1;
	return $status;
}

sub said {
	my ($self) = @_;
	return join '', grep { !/: Info: Disconnected/ }
		map { "    $_\n" } split /\n/, Maildir::slurp("$self->{dir}/said");
}

# The dead leave the two sides half in step. What nobody has touched since they
# were in step may be touched between two of them.
sub kill_some {
	my ($self) = @_;
	$self->{untouchable} = 1;
	for (1 .. 1 + chance($KILLS)) {
		my $die_at = 1 + int(exp(rand log 300)) + chance(20);
		my $status = $self->sync($die_at);
		$self->tell('sync %d, to die at step %d: %d', $self->{syncs},
			$die_at, $status);
		$self->{killed}++ if $status == 137;
		for (1 .. chance(4)) {
			$self->act;
		}
	}
	$self->{untouchable} = 0;
	return;
}

# ---- What must be ------------------------------------------------------------

sub lines_of {
	my (@messages) = @_;
	return sort map {
		sprintf "message %d [%s] %s %.8s\n", $_->{number},
			join(' ', flags_of(bits_of(@{$_->{flags}}))),
			Server::date($_->{seconds}), $_->{sha}
	} @messages;
}

sub difference {
	my ($box, $disk, $server) = @_;
	my %count;
	$count{$_}++ for @$disk;
	$count{$_}-- for @$server;
	return map { ($count{$_} > 0 ? 'disk only' : 'server only')
		. ", $box: $_" } grep { $count{$_} } sort keys %count;
}

# Compares both sides, and has what they have: mailbox => number => flags.
sub compare {
	my ($self) = @_;
	my (%census, @wrong);
	my %server = map { disk_name($_) => 1 } $self->{client}->mailboxes;
	my %names = map { $_ => 1 } @mailboxes, keys %server,
		map { ("Renamed-$_", "Renamed-$_/B") }
			1 .. $self->{renamed} // 0;
	for my $box (sort keys %names) {
		my $on_disk = $self->{mail}->exists($box);
		next if $self->{detached}{$box} || !$on_disk && !$server{$box};
		push @wrong, "$box is only on the "
			. ($on_disk ? 'disk' : 'server') . "\n"
			if !$on_disk || !$server{$box};
		next unless $on_disk && $server{$box};
		my @disk = $self->{mail}->messages($box);
		my @there = grep {
			$self->{expunges} || !grep { $_ eq '\Deleted' } @{$_->{flags}}
		} $self->{client}->messages(wire_name($box));
		push @wrong, difference($box, [lines_of(@disk)],
			[lines_of(@there)]);
		my %seen;
		for my $message (@disk) {
			push @wrong, "$box has message $message->{number} twice\n"
				if $seen{$message->{number}}++;
			$census{$box}{$message->{number}}
				= bits_of(@{$message->{flags}});
		}
		$census{$box} //= {};
	}
	return (\%census, @wrong);
}

# What differs from what the oracle says.
sub judge {
	my ($self, $told, $census) = @_;
	my @wrong;
	for my $box (sort keys %{$told->{kept}}) {
		my $now = $census->{$box} // {};
		my %entries = %{$told->{kept}{$box}};
		for my $number (sort { $a <=> $b } keys %entries) {
			my ($is_there, $flags, $sure) = @{$entries{$number}};
			my $is = exists $now->{$number};
			next if $told->{vague}{$number};
			push @wrong, sprintf "%s: message %d is %s\n", $box,
				$number, $is ? 'there' : 'not there'
				if defined $is_there && $is != $is_there;
			push @wrong, sprintf
				"%s: message %d has flags %x instead of %x\n",
				$box, $number, $now->{$number}, $flags
				if $is && ($now->{$number} ^ $flags) & $sure;
		}
		push @wrong, map { "$box: message $_ has come from nowhere\n" }
			grep { !$entries{$_} } sort keys %$now;
	}
	push @wrong, map { "the mailbox $_ is there\n" }
		grep { !$told->{kept}{$_} } sort keys %$census;
	return @wrong;
}

# Whether a side has it somewhere from where the other has not removed it.
sub is_wanted {
	my ($oracle, $number) = @_;
	for my $side ($DISK, $SERVER) {
		return 1 if grep {
			!$oracle->has($BASE, $_, $number)
				|| $oracle->has(1 - $side, $_, $number)
		} $oracle->places($side, $number);
	}
	return 0;
}

# Messages that both sides had somewhere, or that were new, and are nowhere.
sub lost {
	my ($self, $census) = @_;
	my $oracle = $self->{oracle};
	my %is = map { map { $_ => 1 } keys %$_ } values %$census,
		map { $_->[1] } values %{$self->{detached}};
	return map { "message $_ is lost\n" } grep {
		my $number = $_;
		my @has = map { scalar $oracle->places($_, $number) }
			$DISK, $SERVER, $BASE;
		!$is{$number} && is_wanted($oracle, $number)
			&& ($has[$DISK] && $has[$SERVER] || !$has[$BASE]
				&& ($has[$DISK] || $has[$SERVER]))
	} 1 .. $self->{last};
}

# A box that is renamed on one side is what it was, under that name.
sub apply_renames {
	my ($self, $told) = @_;
	my @names = map { %$_ } @{$self->{names}};
	while (my ($from, $to) = splice @names, 0, 2) {
		$told->{kept}{$to} = delete $told->{kept}{$from}
			if $told->{kept}{$from};
		$self->{used}{$to} = 1;
	}
	$self->{names} = [{}, {}];
	return;
}

sub detach {
	my ($self, $told) = @_;
	for my $box (grep { $told->{fates}{$_} eq 'detached' }
			keys %{$told->{fates}}) {
		my ($side) = grep { exists $self->side_of($_)->{$box} }
			$DISK, $SERVER;
		$self->{detached}{$box} = [$side, $self->side_of($side)->{$box}];
		$self->tell('%s is detached on the %s', $box, $sides[$side]);
	}
	return;
}

# When each file and folder has changed last; but locks, and what each login
# gets anew.
sub stamps {
	my ($self) = @_;
	my $found = `find '$self->{dir}/Mail' '$self->{dir}/state' ! -name 'lock*' \\
		! -name tls-session ! -path '$self->{dir}/state' \\
		-printf '%p %T@ %C@\n' | LC_ALL=C sort`;
	return $found . sha256_hex(Maildir::slurp("$self->{dir}/state/data.mdb"));
}

# The run after that does nothing.
sub rests {
	my ($self) = @_;
	my @before = ($self->stamps, $self->{client}->state);
	my $status = $self->sync(0);
	my @after = ($self->stamps, $self->{client}->state);
	my $wire = Maildir::slurp($self->{wire});
	my @wrong;
	push @wrong, "a second sync ends with $status\n" if $status;
	push @wrong, "it writes into the Maildir or the journal:\n",
		difference('stamps', [map { "$_\n" } split /\n/, $after[0]],
			[map { "$_\n" } split /\n/, $before[0]])
		if $before[0] ne $after[0];
	push @wrong, "it changes the server:\n$before[1]\n$after[1]\n"
		if $before[1] ne $after[1];
	push @wrong, "it opens a mailbox: $1\n"
		if $self->{proves}
		&& $wire =~ /^ ?(C: \S+ (?:SELECT|EXAMINE).*)/m;
	return @wrong;
}

# A calm sync, and what must hold then; what is wrong, or nothing.
sub settles {
	my ($self) = @_;
	my $status = $self->sync(0);
	my $told = $self->{oracle}->foretell;
	$self->detach($told);
	$self->apply_renames($told);
	my ($census, @wrong) = $self->compare;
	push @wrong, "a calm sync ends with $status\n" if $status;
	push @wrong, $self->judge($told, $census), $self->lost($census);
	return (@wrong, $self->said) if @wrong;
	@wrong = $self->rests;
	return (@wrong, $self->said) if @wrong;
	$self->{oracle}->settle($census);
	$self->{touched} = {};
	$self->{touched_boxes} = {};
	return;
}

sub begin {
	my ($self) = @_;
	my $port = Maildir::slurp("$self->{server}/port") =~ s/\s//gr;
	$self->{client} = Server->login($port, $self->{user});
	$self->side_of($SERVER)->{INBOX} = {};
	$self->{used}{INBOX} = 1;
	$self->act_create($SERVER) for 2 .. $KEPT_AT_FIRST;
	$self->act_add($SERVER) for 1 .. 4 + chance(8);
	return;
}

# What is wrong, or nothing.
sub run {
	my ($self) = @_;
	$self->begin;
	my @wrong = $self->settles;
	for (1 .. $ROUNDS) {
		last if @wrong;
		$self->tell('-- round %d', $_);
		$self->act for 1 .. 1 + chance($ACTS);
		$self->kill_some if !$self->{over_tcp} && one_in(2);
		@wrong = $self->settles;
	}
	$self->{client}->logout;
	return @wrong;
}

1;

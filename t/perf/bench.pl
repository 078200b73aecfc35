#!/usr/bin/perl
# bench.pl: godwit beside mbsync, in turns on the same work, against a Dovecot
# on 127.0.0.1. contrib/bench builds and runs it; --help says what it takes.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Getopt::Long;
use List::Util qw(max);
use POSIX qw(setlocale LC_ALL);
use Time::HiRes qw(sleep);
use lib dirname(__FILE__);
use Account;
use Corpus;
use Imap;
use Runner;
use Table;
use Works;

my $usage = <<END;
usage: bench.pl [OPTION]...
  --only WORK      only this work (may be repeated; --list names them)
  --tools A,B      which of godwit and mbsync (both)
  --rounds N       how often each work is measured (5)
  --rtt MS,MS      round trips to measure at (0,40)
  --messages N     in the account (10000)
  --mailboxes N    that they are in (20)
  --mean BYTES     of a message (43300)
  --headers BYTES  of each, as real servers and lists pile them up (800)
  --seed N         what mail, and what happens to it (1)
  --dir DIR        where the Maildirs and the server's mail are (TMPDIR);
                   on ext4 each run of a first pull takes the mail's size
  --quick          1000 messages, 1 round, no round trips
  --counts         no times: only what depends on no machine
  --verify         compare both sides byte by byte at the end
  --records        a line for each run, instead of tables
  --markdown       the tables as Markdown
  --list           the works
END

my %options = (tools => join(',', Account::tools()), seed => 1,
	messages => 10_000, mailboxes => 20, mean => 43_300, headers => 800, rounds => 5,
	dir => $ENV{TMPDIR} // '/tmp', only => []);
my $srcdir = $ENV{srcdir} // dirname(__FILE__) . '/../..';
my $builddir = $ENV{builddir} // '.';
my @records;

sub options_read {
	GetOptions(\%options, 'only=s@', 'tools=s', 'rounds=i', 'rtt=s',
		'messages=i', 'mailboxes=i', 'mean=i', 'headers=i',
		'seed=i', 'dir=s',
		'quick', 'counts', 'verify', 'records', 'markdown', 'list',
		'help') or die $usage;
	die $usage if @ARGV;
	@options{'messages', 'rounds'} = (1000, 1) if $options{quick};
	$options{rtt} //= $options{quick} ? '0' : '0,40';
	die "bench: --mailboxes has to be at least 3\n"
		if $options{mailboxes} < 3;
	die "bench: --messages has to be at least 100\n"
		if $options{messages} < 100;
	$options{rtts} = [split /,/, $options{rtt}];
	$options{programs} = [split /,/, $options{tools}];
	for my $tool (@{$options{programs}}) {
		die "bench: nothing is known of $tool\n"
			unless grep { $_ eq $tool } Account::tools();
		next if $tool eq 'godwit';
		die "bench: $tool is not installed\n"
			if system "command -v $tool >/dev/null";
	}
}

sub wanted {
	my @works = Works::all();
	for my $name (@{$options{only}}) {
		die "bench: there is no work $name\n"
			unless grep { $_->{name} eq $name } @works;
	}
	return grep { my $name = $_->{name}; grep { $_ eq $name }
		@{$options{only}} } @works if @{$options{only}};
	return grep { !$_->{large} } @works if $options{quick};
	return @works;
}

sub say_progress {
	print STDERR @_ unless $options{records};
}

# A server and an account on it for each program, with the same mail. It takes
# plain logins and offers no compression, which costs more than it saves where
# the bandwidth is endless.

sub users_write {
	my ($folder) = @_;
	open my $users, '>', "$folder/users" or die "bench: $!\n";
	print $users "$_:{PLAIN}secret\n" for @{$options{programs}};
	close $users;
}

sub server_owner {
	return $> == 0 ? (getpwnam 'nobody')[2, 3] : ($>, (split ' ', $))[0]);
}

# The second account's files are links to those of the first.
sub mail_deliver {
	my ($folder, $corpus) = @_;
	my ($first, @others) = map { "$folder/mail/$_" } @{$options{programs}};
	$corpus->deliver("$first/mail", server_owner());
	for my $other (@others) {
		system('cp', '-al', $first, $other) == 0
			or die "bench: mail cannot be linked\n";
	}
	my ($uid, $gid) = server_owner();
	chown $uid, $gid, "$folder/mail", glob "$folder/mail/*";
}

sub server_start {
	my ($folder, $corpus) = @_;
	local %ENV = (%ENV, DOVECOT_DRIVER => 'maildir', TEST_OWNER => $$,
		DOVECOT_MECHANISMS => 'plain login',
		DOVECOT_EXTRA => "protocol imap {\n mail_plugins =\n}",
		SERVER_SECONDS => 24 * 3600);
	mkdir $folder;
	users_write($folder);
	mail_deliver($folder, $corpus);
	system("$srcdir/t/lib/dovecot", 'start', $folder) == 0
		or die "bench: Dovecot does not start\n";
	my $port = Runner::slurp("$folder/port");
	chomp $port;
	return $port;
}

sub server_stop {
	my ($folder) = @_;
	system "$srcdir/t/lib/dovecot", 'stop', $folder;
}

# Both sides

sub unequal_flags {
	my ($account, $imap, $mailbox) = @_;
	my $there = join ' ', $imap->flags($mailbox);
	my $here = join ' ', $account->flags($mailbox);
	return $there eq $here ? () : ("messages or flags differ in $mailbox");
}

# What t/lib/sides says of a side.
sub side {
	my ($input, @arguments) = @_;
	my $pid = open(my $lines, '-|') // die "bench: $!\n";
	if (!$pid) {
		open STDIN, '<&', $input if $input;
		exec "$srcdir/t/lib/sides", @arguments;
		exit 127;
	}
	local $/;
	return scalar <$lines> // '';
}

sub unequal_bytes {
	my ($account, $imap, $mailbox) = @_;
	my $there = '';
	my @uids = $imap->uids($mailbox);
	if (@uids) {
		$imap->{socket}->print(
			"t UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])\r\n");
		$there = side($imap->{socket}, 'server');
	}
	my $here = side(undef, 'maildir', "$account->{mail}/$mailbox");
	return $there eq $here ? () : ("messages differ in $mailbox");
}

# mbsync adds a header to what it copies, so there the bytes never agree.
sub verify {
	my ($bench, $account) = @_;
	my $imap = Imap->login($bench->{port}, $account->{tool});
	my $compare = $options{verify} && $account->{tool} eq 'godwit'
		? \&unequal_bytes : \&unequal_flags;
	my @wrong = map { $compare->($account, $imap, $_) }
		$bench->{corpus}->names();
	$imap->logout();
	die map { "bench: $account->{tool}: $_\n" } @wrong if @wrong;
}

# Rounds

# Without what other runs, and other programs, have not yet written.
sub disk_settle {
	my ($folder) = @_;
	system 'sync', '-f', $folder;
}

sub change {
	my ($bench, $work, $round) = @_;
	for my $account (@{$bench->{accounts}}) {
		my $imap = Imap->login($bench->{port}, $account->{tool});
		$work->{change}->($account, $imap, $bench->{corpus}, $round);
		$imap->logout();
	}
}

sub undo {
	my ($bench, $work, $proxied) = @_;
	return unless $work->{undo};
	for my $account (@{$bench->{accounts}}) {
		$work->{undo}->($account);
		$bench->{runner}->run($account, deletes => 1, hasty => 1,
			rtt_ms => 0, proxied => $proxied);
	}
}

# A program may keep what a server has taught it, by address: what is measured
# is not the first run at that one.
sub acquaint {
	my ($bench, $proxied) = @_;
	for my $account (@{$bench->{accounts}}) {
		next if $account->{knows}{$proxied ? 'proxy' : 'server'};
		$bench->{runner}->run($account, hasty => 1, rtt_ms => 0,
			proxied => $proxied);
	}
}

# Each program in turn, another one first in the next round. What happened is a
# moment old, as it mostly is: files just written make both look twice.
sub round {
	my ($bench, $work, $kind, $rtt) = @_;
	my $round = ++$bench->{rounds}{$work->{name}};
	my $proxied = $rtt || $kind eq 'counted';
	acquaint($bench, $proxied) unless $work->{name} =~ /^first/;
	change($bench, $work, $round);
	sleep 1.2 if $kind eq 'timed';
	my @turns = @{$bench->{accounts}};
	@turns = reverse @turns if $round % 2 == 0;
	for my $account (@turns) {
		disk_settle($account->{folder}) if $kind eq 'timed';
		my $result = $bench->{runner}->run($account, rtt_ms => $rtt,
			counted => $kind eq 'counted');
		record(work => $work->{name}, tool => $account->{tool},
			kind => $kind, rtt_ms => $rtt, %$result);
	}
	undo($bench, $work, $proxied);
}

sub record {
	my (%record) = @_;
	my @first = qw(work tool kind rtt_ms);
	my %first = map { $_ => 1 } @first;
	push @records, \%record;
	return unless $options{records};
	my @names = (@first, sort grep { !$first{$_} } keys %record);
	print join(' ', map { "$_ $record{$_}" } @names), "\n";
}

# What is counted needs a round trip that takes time, else flights run together.
sub work_run {
	my ($bench, $work) = @_;
	say_progress("$work->{name}:");
	for my $rtt ($options{counts} ? () : @{$options{rtts}}) {
		for (1 .. $options{rounds}) {
			round($bench, $work, 'timed', $rtt);
			say_progress(" $rtt ms");
		}
	}
	round($bench, $work, 'counted', max(@{$options{rtts}}) || 10);
	say_progress(" counted\n");
}

# A work elsewhere begins with a first run there.
sub work_place {
	my ($bench, $work, $folders) = @_;
	my $place = $work->{place} // 'disk';
	return if $bench->{place} eq $place;
	for my $account (@{$bench->{accounts}}) {
		$account->forget() if $bench->{place} ne 'disk';
		$account->move_to("$folders->{$place}/$account->{tool}");
	}
	$bench->{place} = $place;
}

sub bench_open {
	my ($folders, $corpus) = @_;
	my $server = "$folders->{disk}/server";
	say_progress("making $corpus->{messages} messages\n");
	my $port = server_start($server, $corpus);
	my $bench = { corpus => $corpus, port => $port, place => 'disk',
		server => $server,
		runner => Runner->new(builddir => $builddir, port => $port,
			folder => $folders->{disk}),
		accounts => [map { Account->new(tool => $_,
			home => "$folders->{disk}/$_",
			godwit => "$builddir/godwit") } @{$options{programs}}],
	};
	for my $account (@{$bench->{accounts}}) {
		my $imap = Imap->login($port, $account->{tool});
		$imap->visit($corpus->names());
		$imap->logout();
		$bench->{runner}->run($account, hasty => 1, rtt_ms => 0);
	}
	return $bench;
}

sub bench_run {
	my ($corpus, @works) = @_;
	my %folders = (disk => tempdir('godwit-bench.XXXXXX', CLEANUP => 1,
		DIR => $options{dir}));
	chmod 0711, $folders{disk}; # Dovecot asks whether it may pass
	$folders{memory} = -d '/dev/shm' ? tempdir('godwit-bench.XXXXXX',
		CLEANUP => 1, DIR => '/dev/shm') : $folders{disk};
	my $bench = eval { bench_open(\%folders, $corpus) };
	if ($bench) {
		eval {
			for my $work (@works) {
				work_place($bench, $work, \%folders);
				work_run($bench, $work);
			}
			work_place($bench, {}, \%folders);
			verify($bench, $_) for @{$bench->{accounts}};
		};
	}
	my $error = $@;
	server_stop("$folders{disk}/server");
	File::Temp::cleanup();
	die $error if $error;
}

# What it says in the end

sub values_of {
	my ($name, %with) = @_;
	return map { $_->{$name} } grep {
		my $record = $_;
		!grep { $record->{$_} ne $with{$_} } keys %with;
	} @records;
}

sub times_row {
	my ($work) = @_;
	my @row = ($work->{full_title});
	for my $rtt (@{$options{rtts}}) {
		my @medians = map { Table::median(values_of('wall_us',
			work => $work->{name}, tool => $_, kind => 'timed',
			rtt_ms => $rtt)) } @{$options{programs}};
		push @row, map { Table::seconds($_) } @medians;
		push @row, Table::ratio(@medians) if @medians == 2;
	}
	return \@row;
}

sub times_heading {
	my @names = @{$options{programs}};
	my @columns = (@names, @names == 2 ? "$names[0]/$names[1]" : ());
	return ['work', map { my $rtt = $_; map { "$rtt ms: $_" } @columns }
		@{$options{rtts}}];
}

sub costs_row {
	my ($work, $tool) = @_;
	my %with = (work => $work->{name}, tool => $tool);
	my %counts = map { $_ => (values_of($_, %with, kind => 'counted'))[0] }
		qw(connections flights commands down up flushes);
	my @cpu = values_of('cpu_us', %with, kind => 'timed',
		rtt_ms => $options{rtts}[0]);
	my @rss = values_of('rss_kib', %with, kind => 'timed');
	return [$work->{full_title}, $tool,
		Table::seconds(Table::median(@cpu)),
		Table::mebibytes(@rss ? max(@rss) : undef),
		(map { $counts{$_} // '-' } qw(connections flights commands)),
		Table::bytes($counts{down}), Table::bytes($counts{up}),
		$counts{flushes} // '-'];
}

sub version {
	my ($command) = @_;
	my ($line) = split /\n/, `$command 2>&1`;
	return $line // $command;
}

sub file_system {
	my $type = `findmnt -n -o FSTYPE -T '$options{dir}'`;
	chomp $type;
	return $type;
}

sub report {
	my (@works) = @_;
	my %version = (godwit => version("$builddir/godwit --version"),
		mbsync => version('mbsync --version'));
	my $disk = file_system();
	$_->{full_title} = $_->{title} . ($_->{large}
		? ", $options{large}" : '') for @works;
	print join(' beside ', map { $version{$_} } @{$options{programs}}),
		'; Dovecot ', version('PATH=$PATH:/usr/sbin dovecot --version'),
		", plain, on loopback.\n$options{messages} messages of ",
		"$options{mean} bytes in $options{mailboxes} mailboxes, $disk; ",
		$options{rounds} == 1
		? "one round" : "medians of $options{rounds} rounds", ".\n\n";
	print Table::show($options{markdown}, 1, times_heading(),
		map { times_row($_) } @works), "\n" unless $options{counts};
	print Table::show($options{markdown}, 2, ['work', 'program', 'CPU',
		'peak RSS', 'connections', 'flights', 'commands', 'down', 'up',
		'flushes'], map { my $work = $_; map { costs_row($work, $_) }
		@{$options{programs}} } @works);
}

setlocale(LC_ALL, 'C');
$SIG{INT} = $SIG{TERM} = sub { die "bench: interrupted\n" };
$ENV{BENCH_PASSWORD} = 'secret';
delete $ENV{GODWIT_CONFIG};
options_read();
if ($options{help}) {
	print $usage;
	exit 0;
}
my @works = wanted();
if ($options{list}) {
	print map { "$_->{name}\n" } @works;
	exit 0;
}
$| = 1;
my @normal = grep { !$_->{large} } @works;
my @large = grep { $_->{large} } @works;
my %same = map { $_ => $options{$_} } qw(seed messages mailboxes mean
	headers);
bench_run(Corpus->new(%same), @normal) if @normal;
if (@large) {
	my %ten = (%same, messages => 10 * $same{messages},
		mailboxes => 10 * $same{mailboxes}, mean => 2000);
	$options{large} = "$ten{mailboxes} mailboxes, $ten{messages} messages";
	bench_run(Corpus->new(%ten), @large);
}
report(@works) unless $options{records};

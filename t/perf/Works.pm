# Works: what happened since the last run, that a run has to carry over.
#
# Each work changes one side of an account, by chance from a seed, so that all
# accounts change alike. Rounds with an even number undo what the odd ones did,
# or a work has an `undo` of its own; what comes new and what is deleted are
# equally many.
package Works;
use strict;
use warnings;
use Corpus;

# name; title; change; undo: afterwards, and then a run that is not measured;
# place: where the Maildir is; large: with the large corpus.
my @works = (
	{ name => 'nothing', title => 'nothing changed', change => sub { } },
	{ name => 'first-pull', title => 'first pull', change => \&begin_anew },
	{ name => 'first-pull-tmpfs', title => 'first pull, to tmpfs',
		change => \&begin_anew, place => 'memory' },
	{ name => 'server-flags', title => '1 % flags changed on the server',
		change => \&server_flags },
	{ name => 'local-flags', title => '1 % flags changed locally',
		change => \&local_flags },
	{ name => 'server-new', title => '1 % new on the server',
		change => \&server_new },
	{ name => 'server-deleted', title => '1 % deleted on the server',
		change => \&server_deleted },
	{ name => 'server-moved', title => '5 % moved on the server',
		change => \&server_moved },
	{ name => 'local-moved', title => '5 % moved locally',
		change => \&local_moved },
	{ name => 'local-new', title => '20 % new locally',
		change => \&local_new, undo => \&local_new_undo },
	{ name => 'nothing-large', title => 'nothing changed',
		change => sub { }, large => 1 },
);

sub all {
	return @works;
}

# `count` of a list, by chance, in its order.
sub pick {
	my ($count, @list) = @_;
	my @picked;
	for my $i (0 .. $#list) {
		last unless $count > 0;
		next unless rand(@list - $i) < $count;
		push @picked, $list[$i];
		$count--;
	}
	return @picked;
}

# Picks a share of all messages, by mailbox; what one mailbox lacks to a whole
# message counts for the next.
sub pick_share {
	my ($share, $mailboxes, $list) = @_;
	my ($due, %picked) = (0.5);
	for my $mailbox (@$mailboxes) {
		my @messages = $list->($mailbox);
		$due += $share * @messages;
		my @some = pick(int $due, @messages) or next;
		$due -= @some;
		$picked{$mailbox} = \@some;
	}
	return %picked;
}

sub begin_anew {
	my ($account) = @_;
	$account->begin_anew();
}

sub server_flags {
	my ($account, $imap, $corpus, $round) = @_;
	my $sign = $round % 2 ? '+' : '-';
	srand $corpus->{seed} + int(($round + 1) / 2);
	my %uids = pick_share(0.01, [$corpus->names()],
		sub { $imap->uids($_[0]) });
	for my $mailbox (sort keys %uids) {
		$imap->command("SELECT \"$mailbox\"");
		$imap->command('UID STORE ' . join(',', @{$uids{$mailbox}})
			. " ${sign}FLAGS.SILENT (\\Flagged)");
	}
}

sub local_flags {
	my ($account, $imap, $corpus, $round) = @_;
	srand $corpus->{seed} + $round;
	my %files = pick_share(0.01, [$corpus->names()],
		sub { $account->files($_[0]) });
	for my $mailbox (sort keys %files) {
		$account->toggle($_, 'F') for @{$files{$mailbox}};
	}
}

sub server_new {
	my ($account, $imap, $corpus, $round) = @_;
	my @names = $corpus->names();
	my @shares = $corpus->shares($corpus->{messages} / 100);
	my $number = $corpus->{messages} * (1 + $round);
	for my $i (0 .. $#names) {
		for (1 .. $shares[$i]) {
			my ($text) = $corpus->message($number++);
			$imap->append($names[$i], $text, '');
		}
	}
}

sub server_deleted {
	my ($account, $imap, $corpus, $round) = @_;
	srand $corpus->{seed} + $round;
	my %uids = pick_share(0.01, [$corpus->names()],
		sub { $imap->uids($_[0]) });
	for my $mailbox (sort keys %uids) {
		my $set = join ',', @{$uids{$mailbox}};
		$imap->command("SELECT \"$mailbox\"");
		$imap->command("UID STORE $set +FLAGS.SILENT (\\Deleted)");
		$imap->command("UID EXPUNGE $set");
	}
}

# There and back between the two largest mailboxes: a twentieth of all.
sub ways {
	my ($corpus, $round) = @_;
	my ($from, $to) = ($corpus->names())[$round % 2 ? (0, 1) : (1, 0)];
	return ($from, $to, int $corpus->{messages} / 20);
}

sub server_moved {
	my ($account, $imap, $corpus, $round) = @_;
	my ($from, $to, $count) = ways($corpus, $round);
	srand $corpus->{seed} + $round;
	my $set = join ',', pick($count, $imap->uids($from));
	$imap->command("UID MOVE $set \"$to\"");
}

sub local_moved {
	my ($account, $imap, $corpus, $round) = @_;
	my ($from, $to, $count) = ways($corpus, $round);
	my $number = 0;
	srand $corpus->{seed} + $round;
	for my $file (pick($count, $account->files($from))) {
		$account->move($file, $to, sprintf '%d.M%dP%d.moved',
			Corpus::FIRST, $number++, $round);
	}
}

sub local_new {
	my ($account, $imap, $corpus, $round) = @_;
	my $first = $corpus->{messages} * (1000 + $round);
	for my $number ($first .. $first + $corpus->{messages} / 5 - 1) {
		my ($text, $flags, $time) = $corpus->message($number);
		Corpus::write_file(sprintf('%s/INBOX/cur/%d.M%dP1.written:2,%s',
			$account->{mail}, $time, $number, $flags), $text,
			Corpus::FIRST + $number);
	}
}

sub local_new_undo {
	my ($account) = @_;
	unlink grep { m{/\d+\.M\d+P1\.written[^/]*$} } $account->files('INBOX');
}

1;

# Corpus: mail that looks like mail, the same each time from a seed.
#
# A message is made from (seed, number) alone. Sizes are those of an account of
# today: 80 % notes of a few KB, 17 % with pictures, 3 % with attachments up to
# many MB; the mean is given. They go straight into Maildir++ folders, as a
# delivery agent of Dovecot would have put them, so that Dovecot has to do no
# more than to look at them once.
package Corpus;
use strict;
use warnings;
use File::Path qw(make_path);
use POSIX qw(strftime);

use constant { LINE => 76, POOL_LINES => 8_000, FIRST => 1_500_000_000 };

# With the line ends of a file.
my %pools;

sub new {
	my ($class, %self) = @_; # seed messages mailboxes mean headers
	return bless {%self}, $class;
}

sub names {
	my ($self) = @_;
	my @names = (qw(INBOX Archive Sent Trash Drafts),
		map { sprintf 'Lists/%03d', $_ } 1 .. $self->{mailboxes});
	return @names[0 .. $self->{mailboxes} - 1];
}

# How many messages each mailbox has: a fifth of all in the first, a seventh in
# the second, what remains slowly falling.
sub shares {
	my ($self, $messages) = @_;
	my @weights = map { 1 / sqrt($_ + 1) } 2 .. $self->{mailboxes} - 1;
	my $sum = 0;
	$sum += $_ for @weights;
	@weights = (0.2, 0.15, map { 0.65 * $_ / $sum } @weights);
	my @shares = map { int $messages * $_ } @weights;
	my $rest = $messages;
	$rest -= $_ for @shares;
	$shares[$_ % @shares]++ for 0 .. $rest - 1;
	return @shares;
}

# The mailbox of each message, as an index, mixed.
sub places {
	my ($self, $messages) = @_;
	my @shares = $self->shares($messages);
	my @places = map { ($_) x $shares[$_] } 0 .. $#shares;
	srand $self->{seed};
	for (my $i = $#places; $i > 0; $i--) {
		my $j = int rand $i + 1;
		@places[$i, $j] = @places[$j, $i];
	}
	return @places;
}

sub pool {
	my ($kind) = @_;
	return \$pools{$kind} if $pools{$kind};
	my @letters = $kind eq 'text' ? (('a' .. 'z') x 2, ' ' x 9, '.', ',')
		: ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '+', '/');
	@letters = map { split // } @letters;
	srand 1;
	$pools{$kind} = join '', map {
		my $line = join '', map { $letters[rand @letters] } 1 .. LINE;
		$line =~ s/^ | $/x/g;
		"$line\n";
	} 1 .. POOL_LINES;
	return \$pools{$kind};
}

sub exponential {
	my ($mean) = @_;
	return -$mean * log(1 - rand);
}

sub size {
	my ($self) = @_;
	my $scale = $self->{mean} / 43_300;
	my $kind = rand;
	return $scale * (1_500 + exponential(8_000)) if $kind < 0.80;
	return $scale * exponential(60_000) if $kind < 0.97;
	return $scale * (100_000 + exponential(750_000));
}

# What comes before and behind what everybody writes: nothing, or as much as
# makes so many bytes.
sub trace {
	my ($number, $bytes) = @_;
	return ('', '') if $bytes <= 800;
	my @top = ("Return-Path: <bounce-$number-bird=example.org\@list.example."
		. "net>\n", "Delivered-To: bird\@example.org\n");
	my ($text, $line) = ('', 0);
	while (length($text) < $bytes - 900) {
		my $noise = join '', map { ('a' .. 'z', 'A' .. 'Z', 0 .. 9, '+',
			'/')[rand 64] } 1 .. 64;
		$text .= $line % 6 ? "\t$noise\n" : (qw(DKIM-Signature
			ARC-Seal ARC-Message-Signature X-MS-Exchange-Data
			Authentication-Results X-Spam-Report))[$line / 6 % 6]
			. ": v=1; a=rsa-sha256; d=example.net; s=s$line; b=\n";
		$line++;
	}
	return (join('', @top), $text);
}

sub headers {
	my ($number, $time, $type, $bytes) = @_;
	my ($top, $behind) = trace($number, $bytes);
	my $date = strftime '%a, %d %b %Y %H:%M:%S +0000', gmtime $time;
	my @hops = map { sprintf "Received: from mx%d.example.net "
		. "(mx%d.example.net [192.0.2.%d])\n\tby mail.example.org with "
		. "ESMTPS id %08x\n\tfor <bird\@example.org>; %s\n", $_, $_,
		rand 250, rand 2**31, $date } 1 .. 3;
	return join '', $top, @hops, $behind, sprintf("From: Flock %d <flock%d\@example.net>\n",
		$number % 97, $number % 97), "To: bird\@example.org\n",
		"Subject: Number $number, of the way from north to south\n",
		"Date: $date\n",
		"Message-ID: <$number." . int(rand 1e9) . "\@example.net>\n",
		"MIME-Version: 1.0\nContent-Type: $type\n\n";
}

# Neighbours shall have nothing in common.
sub start {
	my ($seed, $number) = @_;
	my $mixed = ($number + 1) * 2_654_435_761 % 2**32;
	return ($mixed ^ $mixed >> 15 ^ $seed * 40_503) % 2**32;
}

# Its text with the line ends of a file, its flags' letters, its time.
sub message {
	my ($self, $number) = @_;
	srand start($self->{seed}, $number);
	my $time = FIRST + $number * 600;
	my $flags = join '', (rand 50 < 1 ? 'F' : ''), (rand 9 < 1 ? 'R' : ''),
		(rand 8 < 1 ? '' : 'S');
	my $lines = 1 + int $self->size() / (LINE + 2);
	my $pool = pool($lines < 400 ? 'text' : 'base64');
	my $text = headers($number, $time, $lines < 400 ? 'text/plain'
		: 'application/octet-stream', $self->{headers} // 800);
	while ($lines > 0) {
		my $from = int rand POOL_LINES;
		my $take = $lines < POOL_LINES - $from ? $lines
			: POOL_LINES - $from;
		$text .= substr $$pool, $from * (LINE + 1), $take * (LINE + 1);
		$lines -= $take;
	}
	return ($text, $flags, $time);
}

sub folder {
	my ($root, $name) = @_;
	return $root if $name eq 'INBOX';
	$name =~ tr{/}{.};
	return "$root/.$name";
}

# All of it into a Maildir++ that is not there yet; owned by (uid, gid).
sub deliver {
	my ($self, $root, @owner) = @_;
	my @names = $self->names();
	my @places = $self->places($self->{messages});
	my @dirs = map { my $dir = folder($root, $_);
		($dir, map { "$dir/$_" } qw(cur new tmp)) } @names;
	make_path(@dirs);
	chown @owner, @dirs;
	for my $number (1 .. @places) {
		my ($text, $flags, $time) = $self->message($number);
		my $wire = length($text) + ($text =~ tr/\n//);
		my $file = sprintf '%s/cur/%d.M%dP1.bench,S=%d,W=%d:2,%s',
			folder($root, $names[$places[$number - 1]]), $time,
			$number, length $text, $wire, $flags;
		write_file($file, $text, $time);
		chown @owner, $file;
	}
}

sub write_file {
	my ($path, $text, $time) = @_;
	open my $file, '>:raw', $path or die "bench: $path: $!\n";
	print $file $text;
	close $file or die "bench: $path: $!\n";
	utime $time, $time, $path;
}

1;

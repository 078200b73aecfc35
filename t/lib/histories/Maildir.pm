# Maildir: what mail readers do to one account's folders.
package Maildir;
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path remove_tree);

my %letters = (
	'\Draft' => 'D', '\Flagged' => 'F', '$Forwarded' => 'P',
	'\Answered' => 'R', '\Seen' => 'S', '\Deleted' => 'T',
);
my %marks = reverse %letters;

sub new {
	my ($class, $root, $layout) = @_;
	return bless { root => $root, layout => $layout, next => 1 }, $class;
}

# Mailboxes are named as on the server, but for the encoding.
sub folder {
	my ($self, $mailbox) = @_;
	return "$self->{root}/$mailbox" if $self->{layout} eq 'nested';
	return $self->{root} if $mailbox eq 'INBOX';
	return "$self->{root}/." . ($mailbox =~ s{/}{.}gr);
}

# Whether what is below a folder lies beside it.
sub is_flat {
	my ($self) = @_;
	return $self->{layout} ne 'nested';
}

sub exists {
	my ($self, $mailbox) = @_;
	return -d $self->folder($mailbox) . '/cur';
}

sub create {
	my ($self, $mailbox) = @_;
	my $folder = $self->folder($mailbox);
	make_path("$folder/tmp", "$folder/new", "$folder/cur");
	return;
}

sub remove_mailbox {
	my ($self, $mailbox) = @_;
	remove_tree($self->folder($mailbox));
	return;
}

sub rename_mailbox {
	my ($self, $from, $to) = @_;
	make_path($1) if $self->folder($to) =~ m{(.*)/};
	rename $self->folder($from), $self->folder($to)
		or die "histories: $from to $to: $!\n";
	return;
}

sub slurp {
	my ($path) = @_;
	open my $file, '<:raw', $path or return '';
	local $/;
	return scalar <$file> // '';
}

sub spill {
	my ($path, $bytes, $seconds) = @_;
	open my $file, '>:raw', $path or die "histories: $path: $!\n";
	print $file $bytes;
	close $file or die "histories: $path: $!\n";
	utime $seconds, $seconds, $path if defined $seconds;
	return;
}

sub entries {
	my ($folder) = @_;
	opendir my $dir, $folder or die "histories: $folder: $!\n";
	my @names = sort grep { !/^\./ } readdir $dir;
	return @names;
}

sub files {
	my ($self, $mailbox) = @_;
	my $folder = $self->folder($mailbox);
	return map { my $part = $_; map { "$folder/$part/$_" }
		entries("$folder/$part") } 'cur', 'new';
}

sub file_of {
	my ($self, $mailbox, $number) = @_;
	for my $path ($self->files($mailbox)) {
		return $path if slurp($path) =~ /^Subject: message $number\.\r?$/m;
	}
	die "histories: $mailbox has no file of message $number\n";
}

# The letters of flags in a folder's own words, some of which are made up now.
sub letters {
	my ($self, $mailbox, @flags) = @_;
	my $path = $self->folder($mailbox) . '/dovecot-keywords';
	my @names = map { /^\d+ (.*)$/ ? $1 : () } split /\n/, slurp($path);
	my %known = map { lc $names[$_] => chr(97 + $_) } 0 .. $#names;
	my @new = grep { !$letters{$_} && !$known{lc $_} } @flags;
	$known{lc $new[$_]} = chr(97 + @names + $_) for 0 .. $#new;
	push @names, @new;
	if (@new) {
		spill("$path.new", join '',
			map { "$_ $names[$_]\n" } 0 .. $#names);
		rename "$path.new", $path or die "histories: $path: $!\n";
	}
	return join '', sort map { $letters{$_} // $known{lc $_} } @flags;
}

# A name that a mail reader makes up.
sub invent {
	my ($self) = @_;
	return sprintf '17000000%02d.M%dP7.reader', $self->{next} % 100,
		$self->{next}++;
}

# Delivers a message; with flags (or undef) as a mail reader would.
sub drop {
	my ($self, $mailbox, $bytes, $seconds, $flags) = @_;
	my $folder = $self->folder($mailbox);
	my $name = $self->invent;
	my $to = $flags ? "cur/$name:2," . $self->letters($mailbox, @$flags)
		: "new/$name";
	spill("$folder/tmp/$name", $bytes, $seconds);
	rename "$folder/tmp/$name", "$folder/$to" or die "histories: $to: $!\n";
	return;
}

# Renames a file: to a mailbox, with flags (undef: into new/), under its own name
# or another.
sub carry {
	my ($self, $from, $to, $flags, $is_renamed) = @_;
	my ($name) = $from =~ m{([^/]*)$};
	$name =~ s/:2,.*//;
	$name = $self->invent if $is_renamed;
	my $path = $self->folder($to) . ($flags
		? "/cur/$name:2," . $self->letters($to, @$flags) : "/new/$name");
	return if $path eq $from;
	rename $from, $path or die "histories: $path: $!\n";
	return;
}

sub messages {
	my ($self, $mailbox) = @_;
	my $keywords = slurp($self->folder($mailbox) . '/dovecot-keywords');
	my %words = map { /^(\d+) (.*)$/ ? (chr(97 + $1) => $2) : () }
		split /\n/, $keywords;
	return map {
		my $bytes = slurp($_);
		my ($letters) = m{:2,([^/]*)$};
		$bytes =~ s/(?<!\r)\n/\r\n/g;
		my ($number) = $bytes =~ /^Subject: message (\d+)\./m;
		{
			number => $number,
			flags => [grep { defined } map { $marks{$_} // $words{$_} }
				split //, $letters // ''],
			seconds => (stat $_)[9],
			sha => sha256_hex($bytes),
		}
	} $self->files($mailbox);
}

1;

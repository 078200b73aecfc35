# Imap: one session, plain, over loopback, for what a user does elsewhere.
package Imap;
use strict;
use warnings;
use IO::Socket::INET;

my %letters = ('\Draft' => 'D', '\Flagged' => 'F', '\Answered' => 'R',
	'\Seen' => 'S', '\Deleted' => 'T');

sub login {
	my ($class, $port, $user) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
		or die "bench: port $port: $!\n";
	my $self = bless { socket => $socket }, $class;
	$socket->getline;
	$self->command("LOGIN $user secret");
	return $self;
}

# The untagged lines of the answer; dies unless it is OK. There are no literals
# in what is asked for here.
sub command {
	my ($self, $command) = @_;
	my @lines;
	$self->{socket}->print("t $command\r\n");
	while (defined(my $line = $self->{socket}->getline)) {
		$line =~ s/\r?\n//;
		$self->{answer} = $line;
		return @lines if $line =~ /^t OK/;
		die "bench: $command: $line\n" if $line =~ /^t /;
		push @lines, $line;
	}
	die "bench: $command: the connection has ended\n";
}

sub append {
	my ($self, $mailbox, $text, $flags) = @_;
	$text =~ s/\n/\r\n/g;
	return $self->command(sprintf "APPEND \"%s\" (%s) {%d+}\r\n%s", $mailbox,
		$flags, length $text, $text);
}

# Selects it, and has its UIDs in order.
sub uids {
	my ($self, $mailbox) = @_;
	$self->command("SELECT \"$mailbox\"");
	die "bench: the server may not write to its mail; choose a --dir that "
		. "all users may enter\n" unless $self->{answer} =~ /READ-WRITE/;
	my @lines = grep { s/^\* SEARCH ?// } $self->command('UID SEARCH ALL');
	my @uids = sort { $a <=> $b } map { split ' ' } @lines;
	return @uids;
}

# Has the server look at each message, as it would have long ago.
sub visit {
	my ($self, @mailboxes) = @_;
	for my $mailbox (@mailboxes) {
		my @uids = $self->uids($mailbox);
		next unless @uids;
		$self->command('UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE)');
	}
}

# The flags of each message, as letters of a Maildir, sorted.
sub flags {
	my ($self, $mailbox) = @_;
	my @uids = $self->uids($mailbox);
	return unless @uids;
	my @lines = grep { / FETCH / } $self->command('UID FETCH 1:* (FLAGS)');
	my @letters = sort map {
		my ($flags) = /FLAGS \(([^)]*)\)/;
		join '', sort map { $letters{$_} // () } split ' ', $flags // '';
	} @lines;
	return @letters;
}

sub logout {
	my ($self) = @_;
	$self->command('LOGOUT');
	close $self->{socket};
}

1;

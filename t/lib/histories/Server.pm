# Server: one user's session with the real server, for what other clients do.
# Mailboxes are named in ASCII or in modified UTF-7. Dies of whatever the server
# does not do.
package Server;
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use Time::Local qw(timegm);

my @months = qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);
my %month = map { $months[$_] => $_ } 0 .. 11;

sub login {
	my ($class, $port, $user) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
		or die "histories: port $port: $!\n";
	my $self = bless { socket => $socket }, $class;
	$socket->getline;
	$self->command("LOGIN $user secret");
	return $self;
}

# One response: its text, in which each literal is {}, and its literals.
sub response {
	my ($self) = @_;
	my ($text, @literals) = ('');
	while (defined(my $line = $self->{socket}->getline)) {
		$line =~ s/\r?\n$//;
		return ($text . $line, @literals)
			unless $line =~ s/~?\{(\d+)\}$/{}/;
		read($self->{socket}, my $bytes, $1) == $1 or last;
		$text .= $line;
		push @literals, $bytes;
	}
	die "histories: the server has hung up: $text\n";
}

# The untagged responses, each [text, literals]; dies unless the answer is OK.
sub command {
	my ($self, $command) = @_;
	my @responses;
	$self->{socket}->print("t $command\r\n");
	while (1) {
		my @response = $self->response;
		return @responses if $response[0] =~ /^t OK/;
		die "histories: $command: $response[0]\n"
			if $response[0] =~ /^t /;
		push @responses, \@response;
	}
}

sub date {
	my ($seconds) = @_;
	my @at = gmtime $seconds;
	return sprintf '%02d-%s-%d %02d:%02d:%02d +0000', $at[3], $months[$at[4]],
		$at[5] + 1900, @at[2, 1, 0];
}

sub seconds {
	my ($date) = @_;
	$date =~ /^\s*(\d+)-(\w+)-(\d+) (\d+):(\d+):(\d+) ([-+])(\d\d)(\d\d)$/
		or die "histories: no date: $date\n";
	my $zone = ($8 * 60 + $9) * 60;
	return timegm($6, $5, $4, $1, $month{$2}, $3)
		- ($7 eq '-' ? -$zone : $zone);
}

sub append {
	my ($self, $mailbox, $text, $flags, $seconds) = @_;
	$self->command(sprintf "APPEND \"%s\" (%s) \"%s\" {%d+}\r\n%s", $mailbox,
		$flags, date($seconds), length $text, $text);
	return;
}

# The UID of a message, in the mailbox that this selects; of those that bear
# \Deleted only if they count.
sub select_message {
	my ($self, $mailbox, $number, $deleted_counts) = @_;
	$self->command("SELECT \"$mailbox\"");
	my $which = $deleted_counts ? '' : 'UNDELETED ';
	my @found = map { $_->[0] =~ /^\* SEARCH (.*)/ ? split ' ', $1 : () }
		$self->command("UID SEARCH ${which}SUBJECT \"message $number.\"");
	die "histories: $mailbox has message $number @{[scalar @found]} times\n"
		unless @found == 1;
	return $found[0];
}

sub expunge {
	my ($self, $uid) = @_;
	$self->command("UID STORE $uid +FLAGS (\\Deleted)");
	$self->command("UID EXPUNGE $uid");
	return;
}

sub mailboxes {
	my ($self) = @_;
	my @names = map {
		$_->[0] =~ /^\* LIST \(([^)]*)\) \S+ "?([^"]*)"?$/
			&& index($1, '\Noselect') < 0 ? $2 : ()
	} $self->command('LIST "" "*"');
	return @names;
}

# Of each message: what sides compare, its number, and its flags.
sub messages {
	my ($self, $mailbox) = @_;
	my @messages;
	my ($exists) = map { $_->[0] =~ /^\* (\d+) EXISTS/ ? $1 : () }
		$self->command("EXAMINE \"$mailbox\"");
	return unless $exists;
	for my $response ($self->command(
			'UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])')) {
		my ($text, $body) = @$response;
		next unless defined $body;
		my ($flags) = $text =~ /FLAGS \(([^)]*)\)/;
		my ($date) = $text =~ /INTERNALDATE "([^"]*)"/;
		my ($number) = $body =~ /^Subject: message (\d+)\./m;
		push @messages, {
			number => $number,
			flags => [grep { $_ ne '\Recent' } split ' ', $flags],
			seconds => seconds($date),
			sha => sha256_hex($body),
		};
	}
	return @messages;
}

# What must not change when there is nothing to do.
sub state {
	my ($self) = @_;
	return join "\n", map {
		my $name = $_;
		grep { /^\* STATUS/ } map { $_->[0] } $self->command("STATUS \"$name\" "
			. '(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)')
	} sort $self->mailboxes;
}

sub logout {
	my ($self) = @_;
	$self->command('LOGOUT');
	close $self->{socket};
	return;
}

1;

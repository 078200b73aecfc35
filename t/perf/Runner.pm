# Runner: runs a program once, and measures.
#
# Through t/lib/delay_proxy where a round trip takes time or what is said has to
# be counted; by t/lib/measure, for time and memory; for the flushes (fsync and
# the like) by strace, which makes everything slower and gets a run of its own.
package Runner;
use strict;
use warnings;
use IPC::Open2;

use constant LIMIT_SECONDS => 1800;

# builddir, folder: for what a run leaves; port: the server's.
sub new {
	my ($class, %self) = @_;
	return bless {%self}, $class;
}

sub has_strace {
	return !system 'command -v strace >/dev/null';
}

sub proxy_start {
	my ($self, $rtt_ms) = @_;
	my %proxy;
	$proxy{pid} = open2($proxy{says}, $proxy{input},
		"$self->{builddir}/t/lib/delay_proxy", int $rtt_ms / 2,
		$self->{port}, $self->{proxy_port} // ());
	my $line = readline $proxy{says};
	($proxy{port}) = ($line // '') =~ /^port (\d+)$/
		or die "bench: the delay proxy does not start\n";
	$self->{proxy_port} = $proxy{port};
	return \%proxy;
}

# What it has counted, by name.
sub proxy_stop {
	my ($proxy) = @_;
	close $proxy->{input};
	my ($last) = grep { /^all/ } readline $proxy->{says};
	waitpid $proxy->{pid}, 0;
	my ($connections, $counts) = $last =~ /^all (\d+): (.*)$/;
	return (connections => $connections, split ' ', $counts);
}

sub slurp {
	my ($path) = @_;
	open my $file, '<', $path or return '';
	local $/;
	return scalar <$file> // '';
}

# The columns of strace -c: % time, seconds, usecs/call, calls, [errors,] name.
sub flushes {
	my ($path) = @_;
	my $sum = 0;
	for my $line (split /\n/, slurp($path)) {
		$sum += (split ' ', $line)[3]
			if $line =~ /\b(?:fsync|fdatasync|syncfs|sync|msync)$/;
	}
	return $sum;
}

sub execute {
	my ($self, @command) = @_;
	my $folder = $self->{folder};
	my $pid = fork // die "bench: $!\n";
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$folder/log";
		open STDERR, '>&', \*STDOUT;
		exec "$self->{builddir}/t/lib/measure", LIMIT_SECONDS,
			"$folder/measured", @command;
		exit 127;
	}
	eval { waitpid $pid, 0 };
	if ($@) { # interrupted: nothing may outlive its mail
		kill 'TERM', $pid;
		waitpid $pid, 0;
		die $@;
	}
	return if $? == 0;
	my $log = slurp("$folder/log");
	die 'bench: ', join(' ', @command), ' ended with status ', $? >> 8,
		" and said:\n", substr($log, -2000), "\n";
}

# One run of an account's program; options by name: rtt_ms; proxied: through the
# proxy (always at one port), though that need not be; counted: with what slows
# it down; and those of Account::command().
sub run {
	my ($self, $account, %options) = @_;
	my $folder = $self->{folder};
	my $proxied = $options{rtt_ms} || $options{counted} || $options{proxied};
	my $proxy = $proxied ? $self->proxy_start($options{rtt_ms}) : undef;
	$account->{knows}{$proxied ? 'proxy' : 'server'} = 1;
	delete $account->{knows}{$proxied ? 'server' : 'proxy'};
	my @command = $account->command(%options,
		port => $proxy ? $proxy->{port} : $self->{port});
	my $traced = $options{counted} && has_strace();
	# LeakSanitizer cannot work below strace.
	local $ENV{ASAN_OPTIONS} = ($ENV{ASAN_OPTIONS} // '') . ':detect_leaks=0'
		if $traced;
	unshift @command, qw(strace -f --seccomp-bpf -c -o), "$folder/strace",
		'-e', 'trace=fsync,fdatasync,syncfs,sync,msync' if $traced;
	eval { $self->execute(@command) };
	my %counts = $proxy ? proxy_stop($proxy) : ();
	die $@ if $@;
	return {split(' ', slurp("$folder/measured")), %counts,
		$traced ? (flushes => flushes("$folder/strace")) : ()};
}

1;

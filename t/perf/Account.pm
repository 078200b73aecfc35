# Account: one program, its account on the server, and its Maildir.
#
# The programs compared have an account each, with the same mail, so that each
# finds the same work. What they are told is as near as it can be: both ways,
# mailboxes made on both sides, deletions carried out, dates kept, and every
# message on disk before it counts as there (FSync, which is mbsync's default,
# and what godwit cannot be talked out of).
package Account;
use strict;
use warnings;
use File::Path qw(make_path remove_tree);

my %programs = (
	godwit => {
		config => \&godwit_config,
		command => sub { ($_[0]{godwit}, 'sync', '-q', '-c', $_[1]) },
		deletes => ['--allow-deletes'],
	},
	mbsync => {
		config => \&mbsync_config,
		command => sub { ('mbsync', '-c', $_[1], '-a') },
		deletes => [],
	},
);

# tool (which is the user's name too), home: a folder of its own, godwit: the
# program.
sub new {
	my ($class, %self) = @_;
	my $self = bless {%self}, $class;
	make_path($self->{home});
	$self->move_to($self->{home});
	return $self;
}

sub tools {
	return sort keys %programs;
}

# The Maildir and all that the program remembers are in this folder from now on.
sub move_to {
	my ($self, $folder) = @_;
	$self->{folder} = $folder;
	$self->{mail} = "$folder/mail";
	make_path("$folder/mail", "$folder/state");
	chmod 0700, "$folder/state";
}

# As if it had never run.
sub forget {
	my ($self) = @_;
	remove_tree("$self->{folder}/mail", "$self->{folder}/state");
	$self->move_to($self->{folder});
}

# Likewise, but on ext4 what was there is set aside, to go with the benchmark's
# folder: for a minute and more ext4 passes over inodes that were removed, one
# by one for every file that is made, and that would take longer than the work.
sub begin_anew {
	my ($self) = @_;
	return $self->forget()
		if `stat -f -c %T '$self->{folder}'` !~ m{^ext2/ext3$};
	my $aside = sprintf '%s/aside/%d', $self->{home}, ++$self->{asides};
	make_path($aside);
	rename "$self->{folder}/$_", "$aside/$_" or die "bench: $_: $!\n"
		for qw(mail state);
	$self->move_to($self->{folder});
}

sub godwit_config {
	my ($self, $port) = @_;
	return <<CONFIG;
accounts:
  bench:
    server: 127.0.0.1:$port
    tls: off
    user: $self->{tool}
    password: {env: BENCH_PASSWORD}
    maildir: $self->{mail}
    state: $self->{folder}/state
CONFIG
}

sub mbsync_config {
	my ($self, $port, $hasty) = @_;
	my $fsync = $hasty ? 'no' : 'yes';
	return <<CONFIG;
FSync $fsync

IMAPAccount server
Host 127.0.0.1
Port $port
User $self->{tool}
Pass secret
AuthMechs LOGIN
SSLType None

IMAPStore server
Account server

MaildirStore local
Path $self->{mail}/
Inbox $self->{mail}/INBOX
SubFolders Verbatim

Channel all
Far :server:
Near :local:
Patterns *
Create Both
Expunge Both
CopyArrivalDate yes
SyncState *
CONFIG
}

# What a run is, with options by name: port; deletes: it may delete much;
# hasty: it need not be careful, since nobody measures it.
sub command {
	my ($self, %options) = @_;
	my $program = $programs{$self->{tool}};
	my $file = "$self->{home}/config";
	open my $config, '>', $file or die "bench: $file: $!\n";
	print $config $program->{config}->($self, $options{port},
		$options{hasty});
	close $config or die "bench: $file: $!\n";
	return ($program->{command}->($self, $file),
		$options{deletes} ? @{$program->{deletes}} : ());
}

# The files of a mailbox, smallest first, so that both programs' are in the same
# order, whatever they are called.
sub files {
	my ($self, $mailbox) = @_;
	my @files;
	for my $part ('new', 'cur') {
		my $dir = "$self->{mail}/$mailbox/$part";
		opendir my $handle, $dir or next;
		push @files, map { "$dir/$_" } grep { !/^\./ } readdir $handle;
	}
	my %size = map { $_ => -s $_ } @files;
	return sort { $size{$a} <=> $size{$b} || $a cmp $b } @files;
}

sub letters {
	my ($path) = @_;
	return $path =~ /:2,([A-Za-z]*)$/ ? $1 : '';
}

# The flags of each message, as Imap::flags() has them.
sub flags {
	my ($self, $mailbox) = @_;
	return sort map { join '', sort split //, letters($_) }
		$self->files($mailbox);
}

# What a mail reader does: it gives flags by a new ending, ...
sub toggle {
	my ($self, $file, $letter) = @_;
	my $letters = letters($file);
	$letters .= $letter unless $letters =~ s/$letter//;
	my $name = $file =~ s/:2,[^\/]*$//r =~ s{/new/([^/]*)$}{/cur/$1}r;
	rename $file, "$name:2," . join '', sort split //, $letters
		or die "bench: $file: $!\n";
}

# ... and moves by a new name in another folder.
sub move {
	my ($self, $file, $mailbox, $name) = @_;
	rename $file, "$self->{mail}/$mailbox/cur/$name:2," . letters($file)
		or die "bench: $file: $!\n";
}

1;

# Oracle: what a sync must come to, from the words of the merge rules alone.
#
# It knows three sides, what the disk has, what the server has, and what both
# had when they were last equal: in each the mailboxes, in each of these the
# numbers of the messages that it holds, with their flags as bits. No mailbox
# ever holds a message twice.
package Oracle;
use strict;
use warnings;

my ($DISK, $SERVER, $BASE) = (0, 1, 2);
my $ALL = -1;

# %settings: removes, whether mailboxes are removed from disk and server;
# keywords, the flags that are.
sub new {
	my ($class, %settings) = @_;
	return bless { %settings, sides => [{}, {}, {}], vague => {},
		stirred => {}, renamed => [{}, {}] }, $class;
}

sub side {
	my ($self, $side) = @_;
	return $self->{sides}[$side];
}

sub copy {
	my ($side) = @_;
	return { map { $_ => { %{$side->{$_}} } } keys %$side };
}

# Both sides are equal, and this is what they have.
sub settle {
	my ($self, $side) = @_;
	$self->{sides} = [map { copy($side) } $DISK, $SERVER, $BASE];
	$self->{vague} = {};
	$self->{stirred} = {};
	$self->{renamed} = [{}, {}];
	return;
}

# Something was done to this message that may be understood in several ways.
sub blur {
	my ($self, $number, $box) = @_;
	$self->{vague}{$number} = 1;
	$self->{stirred}{$box} = 1;
	return;
}

sub forget {
	my ($self, @mailboxes) = @_;
	delete @{$self->{sides}[$BASE]}{@mailboxes};
	return;
}

sub merge {
	my ($base, $disk, $server) = @_;
	return $base ^ (($base ^ $disk) | ($base ^ $server));
}

# The mailboxes in which a side has a message.
sub places {
	my ($self, $side, $number) = @_;
	my $boxes = $self->{sides}[$side];
	return grep { exists $boxes->{$_}{$number} } sort keys %$boxes;
}

sub has {
	my ($self, $side, $box, $number) = @_;
	return defined $self->flags($side, $box, $number);
}

# undef: it is not there. (An index into what is not there would make it.)
sub flags {
	my ($self, $side, $box, $number) = @_;
	my $messages = $self->{sides}[$side]{$box} or return undef;
	return $messages->{$number};
}

# Whether a mailbox is on that side as it was when both were last equal.
sub is_unchanged {
	my ($self, $side, $box) = @_;
	my ($now, $was) = map { $self->{sides}[$_]{$box} } $side, $BASE;
	return !$self->{stirred}{$box} && keys %$now == keys %$was
		&& !grep { !exists $was->{$_} || $was->{$_} != $now->{$_} }
			keys %$now;
}

# These mailboxes bear another name on that side by now.
sub rename {
	my ($self, $side, @mailboxes) = @_;
	$self->{renamed}[$side]{$_} = 1 for @mailboxes;
	return;
}

# What becomes of a mailbox: kept, moved, removed, detached.
sub fate {
	my ($self, $box) = @_;
	my ($disk, $server, $base)
		= map { exists $self->{sides}[$_]{$box} } $DISK, $SERVER, $BASE;
	return 'kept' if $disk && $server || !$base && ($disk || $server);
	return 'removed' unless $disk || $server;
	my $left = $disk ? $DISK : $SERVER;
	return 'moved' if $self->{renamed}[$left]{$box};
	return $self->{removes}[$left] && $self->is_unchanged($left, $box)
		? 'removed' : 'detached';
}

# A message that has moved to different mailboxes on both sides.
sub is_parted {
	my ($self, $number) = @_;
	my @base = $self->places($BASE, $number);
	my $left = grep { !$self->has($DISK, $_, $number)
			&& !$self->has($SERVER, $_, $number) } @base;
	return 0 unless $left;
	my @new;
	for my $side ($DISK, $SERVER) {
		$new[$side] = grep {
			!$self->has($BASE, $_, $number)
				&& !$self->has(1 - $side, $_, $number)
		} $self->places($side, $number);
	}
	return $new[$DISK] && $new[$SERVER];
}

# Letters stand for other keywords in another folder: of a file that was moved or
# copied they say nothing.
sub told_of_keywords {
	my ($self, $flags, $known) = @_;
	return $flags & ~$self->{keywords} | $known & $self->{keywords};
}

# (flags, those of them that are sure) of what only one side has in a mailbox:
# moved or copied there, or new.
sub arrival {
	my ($self, $side, $box, $number) = @_;
	my $flags = $self->flags($side, $box, $number);
	my ($from, @more) = $self->places($BASE, $number);
	return ($flags, $side == $DISK && $self->places($SERVER, $number)
		? $ALL & ~$self->{keywords} : $ALL) unless defined $from;
	return ($flags, 0) if @more;
	my $other = $self->flags(1 - $side, $from, $number);
	if ($self->has($side, $from, $number)) {
		return ($flags, $side == $SERVER ? $ALL
			: $ALL & ~$self->{keywords});
	}
	my @new = $self->places($side, $number);
	return ($flags, 0) if @new > 1;
	my @others = $self->places(1 - $side, $number);
	return ($flags, $side == $SERVER ? $ALL : $ALL & ~$self->{keywords})
		unless @others;
	return ($flags, 0) unless "@others" eq $from;
	my $base = $self->flags($BASE, $from, $number);
	$flags = $self->told_of_keywords($flags, $base) if $side == $DISK;
	return (merge($base, $flags, $other), $ALL);
}

# The same of what both sides have anew there.
sub meeting {
	my ($self, $box, $number) = @_;
	my ($disk, $server)
		= map { $self->flags($_, $box, $number) } $DISK, $SERVER;
	return ($disk, $ALL) if $disk == $server;
	my ($from, @more) = $self->places($BASE, $number);
	return ($disk, 0) if !defined $from || @more
		|| grep { $self->has($_, $from, $number) } $DISK, $SERVER;
	return (merge($self->flags($BASE, $from, $number), $disk, $server),
		$ALL & ~$self->{keywords});
}

# [0 or 1 (undef: either), flags, those of them that are sure] of a message in a
# mailbox.
sub entry {
	my ($self, $box, $number) = @_;
	my ($disk, $server, $base) = map { $self->has($_, $box, $number) }
		$DISK, $SERVER, $BASE;
	return [0, 0, 0] unless $disk || $server;
	return $disk && $server
		? [1, merge($self->flags($BASE, $box, $number),
			$self->flags($DISK, $box, $number),
			$self->flags($SERVER, $box, $number)), $ALL]
		: [0, 0, 0] if $base;
	return [1, $self->meeting($box, $number)] if $disk && $server;
	my $side = $disk ? $DISK : $SERVER;
	if ($self->is_parted($number)) {
		my $is_sure = $self->places($BASE, $number) == 1
			&& $self->places($DISK, $number) == 1
			&& $self->places($SERVER, $number) == 1;
		return [undef, 0, 0] unless $is_sure;
		return $side == $SERVER ? [1, 0, 0] : [0, 0, 0];
	}
	return [1, $self->arrival($side, $box, $number)];
}

# Of equal messages nobody can say which one went where.
sub is_ambiguous {
	my ($self, $number) = @_;
	return $self->places($BASE, $number) > 1
		&& grep { !$self->has($BASE, $_, $number) }
			map { $self->places($_, $number) } $DISK, $SERVER;
}

# Of each mailbox that is kept, the messages, as of entry(); also the fate of the
# others. One that was renamed on one side, and is gone from the other, is kept
# with all that it has, as a message that was moved would be. Those in `vague` may be in mailboxes that are no longer synced.
sub foretell {
	my ($self) = @_;
	my (%kept, %fates);
	my %vague = %{$self->{vague}};
	my %boxes = map { map { $_ => 1 } keys %$_ } @{$self->{sides}};
	for my $box (sort keys %boxes) {
		$fates{$box} = $self->fate($box);
		next if $fates{$box} eq 'kept';
		$vague{$_} = 1 for map { keys %{$_->{$box} // {}} }
			@{$self->{sides}};
	}
	for my $box (grep { $fates{$_} eq 'moved' } keys %fates) {
		$kept{$box} = { map { $_ => [undef, 0, 0] }
			map { keys %{$_->{$box} // {}} } @{$self->{sides}} };
	}
	for my $box (grep { $fates{$_} eq 'kept' } keys %fates) {
		my %numbers = map { map { $_ => 1 } keys %{$_->{$box} // {}} }
			@{$self->{sides}};
		$self->is_ambiguous($_) and $vague{$_} = 1 for keys %numbers;
		$kept{$box} = { map { $_ => $self->entry($box, $_) }
			keys %numbers };
	}
	return { kept => \%kept, fates => \%fates, vague => \%vague };
}

1;

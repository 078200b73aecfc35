#!/usr/bin/perl
# run.pl DIR SERVER GODWIT DIE_AT SEED...: tells the story of each seed, in DIR,
# on the server of the fixture's folder SERVER; says what is wrong, if anything,
# after all that happened, and ends with 1. With TELL=1 always says what happened,
# with KEEP=1 leaves the sides, the journal and the transcripts where they are.
use strict;
use warnings;
use File::Basename qw(dirname);
use lib dirname(__FILE__);
use File::Path qw(make_path remove_tree);

use Story;

my ($dir, $server, $godwit, $die_at, @seeds) = @ARGV;
my ($failures, $killed) = (0, 0);
$| = 1;

for my $seed (@seeds) {
	my $own = "$dir/h$seed";
	make_path($own);
	my $story = Story->new($seed, dir => $own, server => $server,
		godwit => $godwit, die_at => $die_at, user => "h$seed");
	my @wrong = eval { $story->run };
	push @wrong, $@ if $@;
	$killed += $story->{killed} // 0;
	if (@wrong || $ENV{TELL}) {
		print "seed $seed:\n", map { "  $_\n" } @{$story->{tale}};
		print map { "! $_" } @wrong;
	}
	$failures++ if @wrong;
	last if $failures == 5; # the rest is not worth the time
	remove_tree($own) unless $ENV{KEEP};
}
print "killed $killed times\n";
exit($failures > 0);

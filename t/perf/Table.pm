# Table: medians, figures with their units, and rows in columns, for people or
# as Markdown.
package Table;
use strict;
use warnings;
use List::Util qw(max);

sub median {
	my @sorted = sort { $a <=> $b } grep { defined } @_;
	return undef unless @sorted;
	return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

sub seconds {
	my ($us) = @_;
	return '-' unless defined $us;
	return sprintf $us < 1e6 ? '%.3f s' : '%.2f s', $us / 1e6;
}

sub bytes {
	my ($bytes) = @_;
	return '-' unless defined $bytes;
	return "$bytes B" if $bytes < 10_000;
	return sprintf '%.1f kB', $bytes / 1e3 if $bytes < 1e6;
	return sprintf '%.1f MB', $bytes / 1e6;
}

sub mebibytes {
	my ($kib) = @_;
	return defined $kib ? sprintf '%.1f MiB', $kib / 1024 : '-';
}

sub ratio {
	my ($a, $b) = @_;
	return $a && $b ? sprintf '%.2f', $a / $b : '-';
}

sub line {
	my ($words, $widths, $row, @frame) = @_;
	my ($start, $gap, $end) = @frame;
	my @cells = map { my $space = ' ' x ($$widths[$_] - length $$row[$_]);
		$_ < $words ? "$$row[$_]$space" : "$space$$row[$_]" } 0 .. $#$row;
	return $start . join($gap, @cells) . $end;
}

# The first row is the heading; the first columns are words, the others figures.
sub show {
	my ($markdown, $words, @rows) = @_;
	my @widths = map { my $i = $_; max map { length $$_[$i] } @rows }
		0 .. $#{$rows[0]};
	my @frame = $markdown ? ('| ', ' | ', ' |') : ('', '  ', '');
	my @lines = map { line($words, \@widths, $_, @frame) } @rows;
	splice @lines, 1, 0, '|' . join('|', map { '-' x ($widths[$_] + 1)
		. ($_ < $words ? '-' : ':') } 0 .. $#widths) . '|' if $markdown;
	return join '', map { s/ +$//r . "\n" } @lines;
}

1;

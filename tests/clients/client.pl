# client.pl FILE STEPS - Perl, DBD::SQLite
use strict;
use warnings;
use DBI;
use Time::HiRes qw(time sleep);
$| = 1;
my ($path, $steps) = @ARGV;
my $db = DBI->connect("dbi:SQLite:dbname=$path", "", "",
	{ RaiseError => 1, PrintError => 0, AutoCommit => 1 });
sub rows {
	my $s = $db->prepare($_[0]);
	$s->execute;
	return $s->{NUM_OF_FIELDS} ? @{ $s->fetchall_arrayref } : ();
}
open my $file, "<", $steps or die;
while (my $line = <$file>) {
	chomp $line;
	my ($op, @args) = split /\t/, $line;
	my ($begun, $word, $value) = (time, "ok", "");
	eval {
		if ($op eq "timeout") { $db->sqlite_busy_timeout($args[0]) }
		elsif ($op eq "sleep") { sleep($args[0] / 1000) }
		elsif ($op eq "storm") {
			$value = 0;
			for (1 .. $args[0]) {
				eval { rows($args[1]); 1 } or $value++;
			}
		}
		elsif ($op eq "value") { $value = (rows($args[0]))[0][0] }
		elsif ($op eq "rows") { my @r = rows($args[0]); $value = @r }
		else { rows($args[0]) }
		1;
	} or do { $word = "no"; $value = $@ =~ s/\n/ /gr };
	printf "%d\t%s\t%s\n", 1000 * (time - $begun), $word, $value;
}

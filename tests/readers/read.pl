# read.pl WAY FILE|URL - the text
use strict;
use warnings;
my ($way, $arg) = @ARGV;
binmode STDOUT;

sub data {
	open my $file, '<:raw', $arg or die $!;
	local $/;
	return scalar <$file>;
}

my %ways = (
	'gunzip' => sub {
		require IO::Uncompress::Gunzip;
		IO::Uncompress::Gunzip::gunzip($arg => '-')
			or die $IO::Uncompress::Gunzip::GunzipError;
	},
	'gunzip MultiStream' => sub {
		require IO::Uncompress::Gunzip;
		IO::Uncompress::Gunzip::gunzip($arg => '-', MultiStream => 1)
			or die $IO::Uncompress::Gunzip::GunzipError;
	},
	'AnyInflate' => sub {
		require IO::Uncompress::AnyInflate;
		IO::Uncompress::AnyInflate::anyinflate($arg => '-')
			or die $IO::Uncompress::AnyInflate::AnyInflateError;
	},
	'memGunzip' => sub {
		require Compress::Zlib;
		print Compress::Zlib::memGunzip(data()) // die 'no text';
	},
	'gzopen' => sub {
		require Compress::Zlib;
		my $file = Compress::Zlib::gzopen($arg, 'rb') or die $!;
		print $_ while $file->gzread($_, 5000) > 0;
		die $file->gzerror if $file->gzerror != 1;
	},
	'PerlIO::gzip' => sub {
		require PerlIO::gzip;
		open my $file, '<:gzip', $arg or die $!;
		print while <$file>;
	},
	'LWP' => sub {
		require LWP::UserAgent;
		my $answer = LWP::UserAgent->new->get($arg);
		print $answer->decoded_content(charset => 'none') // die 'no text';
	},
);
$ways{$way}->();

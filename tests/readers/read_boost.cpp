// read_boost FILE - the text
#include <boost/iostreams/copy.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <fstream>
#include <iostream>

int
main(int, char **argv)
{
	std::ifstream file(argv[1], std::ios::binary);
	boost::iostreams::filtering_istream in;

	in.push(boost::iostreams::gzip_decompressor());
	in.push(file);
	boost::iostreams::copy(in, std::cout);
}

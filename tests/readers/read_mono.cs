// read_mono FILE - the text
using System;
using System.IO;
using System.IO.Compression;

class Program
{
	static void Main(string[] args)
	{
		using (var file = File.OpenRead(args[0]))
		using (var text = new GZipStream(file, CompressionMode.Decompress))
		using (var output = Console.OpenStandardOutput())
			text.CopyTo(output);
	}
}

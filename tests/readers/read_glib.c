/* read_glib FILE - the text */
#include <gio/gio.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	GFile *file = g_file_new_for_path(argv[argc - 1]);
	GInputStream *in = G_INPUT_STREAM(g_file_read(file, NULL, NULL));
	GConverter *gunzip = G_CONVERTER(
		g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP));
	GInputStream *text = g_converter_input_stream_new(in, gunzip);
	static char piece[65536];
	gssize n;

	while ((n = g_input_stream_read(text, piece, sizeof(piece), NULL,
					NULL)) > 0)
		fwrite(piece, 1, (size_t)n, stdout);
	return n < 0;
}

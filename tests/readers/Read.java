// Read WAY FILE|URL - the text
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.*;
import org.apache.commons.compress.compressors.gzip.*;

public class Read {
	// Says that nothing waits, as a socket may.
	static InputStream unavailable(InputStream in) {
		return new FilterInputStream(in) {
			public int available() {
				return 0;
			}
		};
	}

	static InputStream open(String way, String arg) throws Exception {
		switch (way) {
		case "GZIPInputStream, file":
			return new GZIPInputStream(new FileInputStream(arg));
		case "GZIPInputStream, buffered":
			return new GZIPInputStream(
				new BufferedInputStream(new FileInputStream(arg)));
		case "GZIPInputStream, nio":
			return new GZIPInputStream(
				Channels.newInputStream(FileChannel.open(Path.of(arg))));
		case "GZIPInputStream, bytes":
			return new GZIPInputStream(new ByteArrayInputStream(
				Files.readAllBytes(Path.of(arg))));
		case "GZIPInputStream, nothing available":
			return new GZIPInputStream(
				unavailable(new FileInputStream(arg)));
		case "GZIPInputStream, URL":
			return new GZIPInputStream(new URL(arg).openStream());
		case "GZIPInputStream, HttpClient":
			return new GZIPInputStream(HttpClient.newHttpClient().send(
				HttpRequest.newBuilder(URI.create(arg)).build(),
				HttpResponse.BodyHandlers.ofInputStream()).body());
		case "Commons Compress":
			return new GzipCompressorInputStream(
				new BufferedInputStream(new FileInputStream(arg)));
		case "Commons Compress, concatenated":
			return new GzipCompressorInputStream(
				new BufferedInputStream(new FileInputStream(arg)), true);
		case "Commons Compress, factory":
			return new CompressorStreamFactory()
				.createCompressorInputStream(new BufferedInputStream(
					new FileInputStream(arg)));
		}
		throw new IllegalArgumentException(way);
	}

	public static void main(String[] args) throws Exception {
		open(args[0], args[1]).transferTo(System.out);
		System.out.flush();
	}
}

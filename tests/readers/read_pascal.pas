{ read_pascal FILE - the text }
program read_pascal;
uses classes, zstream;
var
	input: TGZFileStream;
	output: THandleStream;
	piece: array[0..65535] of byte;
	n: longint;
begin
	input := TGZFileStream.Create(ParamStr(1), gzopenread);
	output := THandleStream.Create(1);
	repeat
		n := input.read(piece, sizeof(piece));
		if n > 0 then
			output.writebuffer(piece, n);
	until n <= 0;
end.

#!/usr/bin/env escript
%% read.escript WAY FILE - the text
main([Way, File]) ->
	ok = io:setopts(standard_io, [binary, {encoding, latin1}]),
	file:write(standard_io, read(Way, File)).

read("zlib:gunzip", File) ->
	{ok, Data} = file:read_file(File),
	zlib:gunzip(Data);
read("file, compressed", File) ->
	{ok, In} = file:open(File, [read, binary, raw, compressed]),
	all(In, []);
read("inflateInit", File) ->
	{ok, Data} = file:read_file(File),
	Z = zlib:open(),
	ok = zlib:inflateInit(Z, 31),
	Text = zlib:inflate(Z, Data),
	ok = zlib:inflateEnd(Z),
	Text.

all(In, Parts) ->
	case file:read(In, 65536) of
		{ok, Part} -> all(In, [Part | Parts]);
		eof -> lists:reverse(Parts)
	end.

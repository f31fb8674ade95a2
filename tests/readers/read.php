<?php
// read.php WAY FILE|URL - the text
[, $way, $arg] = $argv;
set_error_handler(function ($level, $said) {
	throw new ErrorException("error: $said");
});
switch ($way) {
case 'gzdecode':
	echo gzdecode(file_get_contents($arg));
	break;
case 'gzfile':
	echo implode('', gzfile($arg));
	break;
case 'gzopen':
	for ($file = gzopen($arg, 'rb'); !gzeof($file);)
		echo gzread($file, 5000);
	break;
case 'compress.zlib':
	echo file_get_contents("compress.zlib://$arg");
	break;
case 'zlib.inflate':
	$file = fopen($arg, 'rb');
	stream_filter_append($file, 'zlib.inflate', STREAM_FILTER_READ,
		['window' => 31]);
	echo stream_get_contents($file);
	break;
case 'inflate_add':
	$member = inflate_init(ZLIB_ENCODING_GZIP);
	for ($file = fopen($arg, 'rb'); !feof($file);)
		echo inflate_add($member, fread($file, 5000));
	break;
case 'curl':
	$curl = curl_init($arg);
	curl_setopt_array($curl, [CURLOPT_ENCODING => '',
		CURLOPT_RETURNTRANSFER => true]);
	$text = curl_exec($curl);
	if ($text === false)
		throw new ErrorException('error: ' . curl_error($curl));
	echo $text;
}

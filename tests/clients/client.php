<?php // client.php DRIVER FILE STEPS - PHP: PDO, or the class SQLite3
[, $driver, $path, $steps] = $argv;
if ($driver == "PDO") {
	$db = new PDO("sqlite:$path");
	$db->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
	$rows = function ($sql) use ($db) {
		$s = $db->query($sql);
		return $s->columnCount() ? $s->fetchAll(PDO::FETCH_NUM) : [];
	};
	$timeout = fn($ms) => $db->setAttribute(PDO::ATTR_TIMEOUT, intdiv($ms, 1000));
} else {
	$db = new SQLite3($path);
	$db->enableExceptions(true);
	$rows = function ($sql) use ($db) {
		$s = $db->query($sql);
		$all = [];
		while ($s->numColumns() && ($row = $s->fetchArray(SQLITE3_NUM)))
			$all[] = $row;
		return $all;
	};
	$timeout = fn($ms) => $db->busyTimeout($ms);
}
foreach (file($steps, FILE_IGNORE_NEW_LINES) as $line) {
	$args = explode("\t", $line);
	$op = array_shift($args);
	$begun = microtime(true);
	$word = "ok";
	$value = "";
	try {
		switch ($op) {
		case "timeout": $timeout((int)$args[0]); break;
		case "sleep": usleep(1000 * (int)$args[0]); break;
		case "storm":
			$value = 0;
			for ($i = 0; $i < (int)$args[0]; $i++)
				try {
					$rows($args[1]);
				} catch (Exception $e) {
					$value++;
				}
			break;
		case "value": $value = $rows($args[0])[0][0]; break;
		case "rows": $value = count($rows($args[0])); break;
		default: $rows($args[0]);
		}
	} catch (Exception $e) {
		$word = "no";
		$value = str_replace("\n", " ", $e->getMessage());
	}
	printf("%d\t%s\t%s\n", 1000 * (microtime(true) - $begun), $word, $value);
}

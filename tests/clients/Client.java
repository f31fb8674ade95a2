// Client.java FILE STEPS - Java, the JDBC driver of xerial
import java.nio.file.*;
import java.sql.*;

class Client {
	static Connection db;

	static String[] rows(String sql) throws SQLException {
		String first = "";
		int n = 0;
		try (Statement s = db.createStatement()) {
			if (s.execute(sql))
				for (ResultSet r = s.getResultSet(); r.next(); n++)
					for (int i = r.getMetaData().getColumnCount(); i > 0; i--) {
						Object v = r.getObject(i);
						if (n == 0)
							first = String.valueOf(v);
					}
		}
		return new String[] { first, String.valueOf(n) };
	}

	public static void main(String[] args) throws Exception {
		db = DriverManager.getConnection("jdbc:sqlite:" + args[0]);
		for (String line : Files.readAllLines(Path.of(args[1]))) {
			String[] part = line.split("\t");
			long begun = System.nanoTime();
			String word = "ok", value = "";
			try {
				switch (part[0]) {
				case "timeout": rows("PRAGMA busy_timeout = " + part[1]); break;
				case "sleep": Thread.sleep(Long.parseLong(part[1])); break;
				case "storm":
					int refused = 0;
					for (int i = Integer.parseInt(part[1]); i > 0; i--)
						try {
							rows(part[2]);
						} catch (SQLException e) {
							refused++;
						}
					value = String.valueOf(refused);
					break;
				case "value": value = rows(part[1])[0]; break;
				case "rows": value = rows(part[1])[1]; break;
				default: rows(part[1]);
				}
			} catch (SQLException e) {
				word = "no";
				value = e.getMessage().replace("\n", " ");
			}
			System.out.println((System.nanoTime() - begun) / 1000000 + "\t" +
				word + "\t" + value);
		}
	}
}

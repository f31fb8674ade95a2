# client.rb FILE STEPS - Ruby, sqlite3
require "sqlite3"
$stdout.sync = true
path, steps = ARGV
db = SQLite3::Database.new(path)
File.foreach(steps, chomp: true) do |line|
  op, *args = line.split("\t")
  begun, word, value = Process.clock_gettime(Process::CLOCK_MONOTONIC), "ok", ""
  begin
    case op
    when "timeout" then db.busy_timeout = args[0].to_i
    when "sleep" then sleep(args[0].to_i / 1000.0)
    when "storm"
      value = 0
      args[0].to_i.times do
        db.execute(args[1])
      rescue SQLite3::Exception
        value += 1
      end
    when "value" then value = db.execute(args[0])[0][0]
    when "rows" then value = db.execute(args[0]).length
    else db.execute(args[0])
    end
  rescue SQLite3::Exception => e
    word, value = "no", e.message.tr("\n", " ")
  end
  ms = (Process.clock_gettime(Process::CLOCK_MONOTONIC) - begun) * 1000
  puts "#{ms.round}\t#{word}\t#{value}"
end

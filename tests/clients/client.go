// client.go FILE STEPS - Go, mattn/go-sqlite3
package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	pool, err := sql.Open("sqlite3", os.Args[1])
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	db, err := pool.Conn(ctx)
	if err != nil {
		panic(err)
	}
	query := func(text string) (n int, first string, err error) {
		rows, err := db.QueryContext(ctx, text)
		if err != nil {
			return
		}
		defer rows.Close()
		names, _ := rows.Columns()
		for ; rows.Next(); n++ {
			row := make([]interface{}, len(names))
			to := make([]interface{}, len(names))
			for i := range row {
				to[i] = &row[i]
			}
			if err = rows.Scan(to...); err != nil {
				return
			}
			if n == 0 {
				first = fmt.Sprint(row[0])
			}
		}
		err = rows.Err()
		return
	}
	exec := func(text string) error {
		_, err := db.ExecContext(ctx, text)
		return err
	}
	file, err := os.Open(os.Args[2])
	if err != nil {
		panic(err)
	}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		part := strings.Split(lines.Text(), "\t")
		begun, word, value := time.Now(), "ok", ""
		var err error
		n := 0
		switch part[0] {
		case "timeout":
			err = exec("PRAGMA busy_timeout = " + part[1])
		case "sleep":
			ms, _ := strconv.Atoi(part[1])
			time.Sleep(time.Duration(ms) * time.Millisecond)
		case "storm":
			times, _ := strconv.Atoi(part[1])
			for i := 0; i < times; i++ {
				if exec(part[2]) != nil {
					n++
				}
			}
			value = strconv.Itoa(n)
		case "value":
			_, value, err = query(part[1])
		case "rows":
			n, _, err = query(part[1])
			value = strconv.Itoa(n)
		default:
			err = exec(part[1])
		}
		if err != nil {
			word, value = "no", err.Error()
		}
		fmt.Printf("%d\t%s\t%s\n", time.Since(begun).Milliseconds(), word,
			value)
	}
}

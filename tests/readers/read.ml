(* read FILE - the text *)
let () =
  let input = Gzip.open_in Sys.argv.(1) in
  let piece = Bytes.create 65536 in
  let rec copy () =
    let n = Gzip.input input piece 0 65536 in
    if n > 0 then (output stdout piece 0 n; copy ())
  in
  copy ()

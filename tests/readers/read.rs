// read WAY FILE - the text
use flate2::{bufread, read, write};
use std::io::{self, BufReader, Read, Write};

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let file = std::fs::File::open(&args[2])?;
    let mut out = io::stdout().lock();
    match args[1].as_str() {
        "read::GzDecoder" => io::copy(&mut read::GzDecoder::new(file), &mut out)?,
        "read::MultiGzDecoder" => {
            io::copy(&mut read::MultiGzDecoder::new(file), &mut out)?
        }
        "bufread::GzDecoder" => io::copy(
            &mut bufread::GzDecoder::new(BufReader::new(file)),
            &mut out,
        )?,
        "write::GzDecoder" => {
            let mut decoder = write::GzDecoder::new(out);
            let mut data = Vec::new();
            BufReader::new(file).read_to_end(&mut data)?;
            decoder.write_all(&data)?;
            decoder.finish()?.flush()?;
            0
        }
        way => panic!("{way}"),
    };
    Ok(())
}

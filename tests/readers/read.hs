-- read FILE - the text
import qualified Codec.Compression.GZip as GZip
import qualified Data.ByteString.Lazy as Lazy
import System.Environment (getArgs)

main :: IO ()
main = do
  [file] <- getArgs
  Lazy.readFile file >>= Lazy.putStr . GZip.decompress

#!/bin/bash
# The manual's lines for faiss, hnswlib, usearch, annoy, implicit and LightFM, as
# they stand there: nothing is lost that was found, and nothing is written that
# was not.  faiss and hnswlib are the real ones, where they are installed; the
# others are stand-ins that return what their documentation says.
. "$(dirname "$0")/lib.sh"

cat >run.py <<'PY'
import json, re, sys
import numpy as np
rng = np.random.default_rng(5)
users = rng.normal(size=(50, 16)).astype("f4")
items = rng.normal(size=(400, 16)).astype("f4")
users /= np.linalg.norm(users, axis=1, keepdims=True)
items /= np.linalg.norm(items, axis=1, keepdims=True)
cosine = users @ items.T
order = np.argsort(-cosine, axis=1)
FEW = 40                # what user 7 has, where a library can say so

page = open(sys.argv[1]).read().split(".SH LIBRARIES")[1].split(".SH SPEED")[0]
code = page.split(".nf\n")[1].split(".fi")[0].replace("\\-", "-")
blocks = {re.match(r"# ([^,:\n]+(, L2)?)", b)[1].split(",")[0] +
          ("-l2" if ", L2" in b else ""): b for b in code.split("\n\n")}
assert len(blocks) == 7, blocks

class Found: pass

class Usearch:
    def search(self, users, k):
        f = Found()
        f.keys = order[:, :k].astype("u8")
        f.distances = (1 - np.take_along_axis(cosine, order, 1)[:, :k]).astype("f4")
        f.counts = np.full(len(users), k)
        f.counts[7] = FEW
        f.keys[7, FEW:] = f.distances[7, FEW:] = 0
        return f

class Annoy:
    def get_nns_by_vector(self, user, n, include_distances):
        row = int(np.argmax(users @ user))
        ids = order[row, :FEW if row == 7 else n]
        return ids.tolist(), np.sqrt(2 - 2 * cosine[row, ids]).tolist()

class Implicit:
    def recommend(self, ids, user_items, N):
        cands, scores = order[ids, :N].astype("i4"), np.take_along_axis(
            cosine, order, 1)[ids, :N].astype("f4")
        scores[7, FEW:] = -np.finfo("f4").max
        cands[7, FEW + 30:] = -1
        return cands, scores

class LightFM:
    def predict(self, user, of):
        return cosine[user, of]

def faiss(metric):
    import faiss
    index = faiss.IndexFlat(16, metric)
    index.add(items)
    # user 7 looks into a list of its own, which has few items
    class Index:
        def search(self, u, k):
            scores, cands = index.search(u, k)
            few = faiss.IndexFlat(16, metric)
            few.add(items[order[7, :FEW]])
            s, c = few.search(u[7:8], k)
            assert (c[0, FEW:] == -1).all()
            scores[7], cands[7] = s[0], np.where(c[0] < 0, -1, order[7, c[0]])
            return scores, cands
    return Index()

def hnswlib():
    import hnswlib
    index = hnswlib.Index(space="cosine", dim=16)
    index.init_index(400, M=64, ef_construction=400)
    index.add_items(items)
    index.set_ef(400)
    return index

name = sys.argv[2]
try:
    index = model = {"faiss": lambda: faiss(0), "faiss-l2": lambda: faiss(1),
                     "hnswlib": hnswlib, "usearch": Usearch, "annoy": Annoy,
                     "implicit": Implicit, "LightFM": LightFM}[name]()
except ImportError as e:
    sys.exit(f"SKIP {e}")
user_items = None
exec(blocks[name])
few = name not in ("hnswlib", "LightFM")
with open("want", "w") as f:
    for row in range(50):
        n = FEW if few and row == 7 else 300
        f.write(" ".join(map(str, order[row, :n])) + "\n")
json.dump([f"user-{i}" for i in range(50)], open("keys.json", "w"))
json.dump([str(i) for i in range(400)], open("vocab.json", "w"))
PY

for name in faiss faiss-l2 hnswlib usearch annoy implicit LightFM; do
	score=-1
	[ $name != implicit ] || score=-1e30
	[ $name != LightFM ] || score=none
	rm -rf f.gz f.gz.job want
	if ! "$PYTHON" run.py "$tests/../tools/shardmill-candidates.7" $name \
		>out 2>err; then
		grep -q ^SKIP err || fail "$name: the manual's lines"
		echo "$name: $(tail -n 1 err)"
		continue
	fi
	expect_exit 0 sm candidates -o f.gz --cands cands.npy \
		--scores scores.npy --keys keys.json --vocab vocab.json \
		--min-score=$score --min-candidates 1
	! grep -q "rising" err || fail "$name: scores rise"
	gzip -dc f.gz | "$PYTHON" -c 'import json, sys
for line in sys.stdin:
    print(*(e["track_id"] for e in json.loads(line)["value"]))' >have
	# Equal to some digits is no order: as sets, and the first ten in order.
	"$PYTHON" - <<'PY' || fail "$name: other candidates"
import sys
lost = 0
for a, b in zip(open("want"), open("have")):
    a, b = a.split(), b.split()
    lost += len(set(a) ^ set(b))
    if len(a) != len(b) or a[:10] != b[:10]:
        sys.exit(f"{a[:10]} {b[:10]} {len(a)} {len(b)}")
sys.exit(lost > 20 or len(open("have").readlines()) != 50)
PY
done

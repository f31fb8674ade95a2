/*
 * annoy.cpp - annoy's own header, as a library that Python can call
 *
 * Python's annoy is a wrapper of the same class; Debian has the header alone,
 * with R's wrapper.  The angular distance, single-threaded.
 */
#include <cstring>
#include <vector>

#include <kissrandom.h>

#include <annoylib.h>

typedef AnnoyIndex<int32_t, float, Angular, Kiss64Random,
		   AnnoyIndexSingleThreadedBuildPolicy>
	Index;

extern "C" void *
annoy_new(int dimensions)
{
	return new Index(dimensions);
}

extern "C" void
annoy_add(void *index, int item, const float *vector)
{
	static_cast<Index *>(index)->add_item(item, vector);
}

extern "C" void
annoy_build(void *index, int trees)
{
	static_cast<Index *>(index)->build(trees);
}

/* How many were found. */
extern "C" int
annoy_search(void *index, const float *vector, int n, int32_t *ids,
	     float *distances)
{
	std::vector<int32_t> found;
	std::vector<float> away;

	static_cast<Index *>(index)->get_nns_by_vector(vector, n, -1, &found,
						       &away);
	std::memcpy(ids, found.data(), found.size() * sizeof(*ids));
	std::memcpy(distances, away.data(), away.size() * sizeof(*distances));
	return static_cast<int>(found.size());
}

// words.cpp - the words of each line of a text, counted, by a producer in C++17
//
//	words TEXT FILE.gz
//
// One record per line: {"line": 17, "words": [{"word": "the", "count": 2}, …]}.
// An exception must not leave a function that the library calls: `guarded`
// makes it a failure of the batch.
#include <cstdio>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <string_view>

#include <shardmill.h>

namespace
{
template <typename F>
int
guarded(sm_err *err, F &&make)
{
	try {
		return make();
	} catch (const std::bad_alloc &) {
		return sm_fail(err, SM_ENOMEM, "out of memory");
	} catch (const std::exception &e) {
		return sm_fail(err, SM_EOUTPUT, "%s", e.what());
	}
}

std::map<std::string_view, int>
count_words(std::string_view line)
{
	std::map<std::string_view, int> count;

	while (!line.empty()) {
		const auto n = line.find_first_of(" \t\r\n");
		const auto word = line.substr(0, n);
		if (!word.empty())
			count[word]++;
		line.remove_prefix(n == line.npos ? line.size() : n + 1);
	}
	return count;
}

int
produce(void *, const sm_task *task, sm_out *out, sm_err *err)
{
	return guarded(err, [&] {
		const sm_record_fields fields = { "line", "words", "word",
						  "count" };
		const char *line;
		size_t len;
		int64_t number = task->first;
		int ret = sm_out_records(out, &fields, err);

		while (ret == 0 &&
		       (ret = sm_in_line(&line, &len, task->in, err)) > 0) {
			const auto key = std::to_string(number++);
			sm_out_record(out, key.data(), key.size());
			for (const auto &[word, n] :
			     count_words({ line, len })) {
				size_t id_len;
				const auto times = std::to_string(n);
				const char *id =
					sm_out_json(out, &id_len, word.data(),
						    word.size(), err);
				if (!id)
					return err->code;
				sm_out_item(out, id, id_len, times.data(),
					    times.size());
			}
			ret = sm_out_record_end(out, err);
		}
		return ret;
	});
}

sm_producer
words_producer()
{
	sm_producer p = {};

	p.name = "words";
	p.produce = produce;
	return p;
}

const sm_producer words = words_producer();
const sm_producer *const producers[] = { &words, nullptr };
} // namespace

int
main(int argc, char **argv)
{
	sm_worker_main(argc, argv, producers);
	if (argc < 3)
		return 2;
	const sm_value input[] = { { "input", argv[1] },
				   { "lines", "100" },
				   { nullptr, nullptr } };
	const std::string job = std::string(argv[2]) + ".job";
	sm_plan_opts plan = {};
	sm_run_opts run = {};
	sm_plan_result planned;
	sm_run_result made;
	sm_err err = {};

	plan.producer = &words;
	plan.options = input;
	plan.output = argv[2];
	int ret = sm_plan(&planned, job.c_str(), &plan, &err);
	sm_plan_result_release(&planned);
	if (ret == 0) {
		ret = sm_run(&made, job.c_str(), &run, &err);
		sm_run_result_release(&made);
	}
	if (ret < 0)
		std::fprintf(stderr, "words: %s\n", err.text);
	return sm_code_exit(ret);
}

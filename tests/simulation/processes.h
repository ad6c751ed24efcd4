#pragma once
#include <sys/types.h>

#include <functional>
#include <vector>

namespace scoria::simulation {

/// Runs `work` in a process of its own, so that no run sees what another left in the program, and a bug that aborts it is
/// a failure of that run alone. Gives its exit status; `aborted` if it did not exit.
inline constexpr int aborted = 3;
int apart(const std::function<int()>& work);

/// What processes tell the one that started them, as plain values of one size.
class Pipe {
 public:
  Pipe();
  ~Pipe();
  Pipe(const Pipe&) = delete;
  void tell(const void* value, std::size_t size) const;
  /// False when all who could tell have ended.
  bool hear(void* value, std::size_t size) const;
  void close_telling_end();

 private:
  int ends_[2] = {-1, -1};
};

/// Runs `share` in `jobs` processes, each on a processor of its own, and hands what they tell to `hear`. Gives the worst exit status.
template <class Told>
int in_processes(int jobs, const std::function<int(int job, const std::function<void(const Told&)>& tell)>& share, const std::function<void(const Told&)>& hear);

/// Every job its part of `all`; a job ends at the first status that is not 0.
template <class T, class Work>
int share_out(const std::vector<T>& all, int job, int jobs, const Work& work) {
  for (std::size_t i = static_cast<std::size_t>(job); i < all.size(); i += static_cast<std::size_t>(jobs))
    if (const int status = work(all[i]); status != 0) return status;
  return 0;
}

/// Processor time of this process and all that it has waited for, in seconds.
double processor_seconds();

pid_t start_job(int job, const std::function<int()>& work);
int wait_for_jobs(int jobs);

template <class Told>
int in_processes(int jobs, const std::function<int(int job, const std::function<void(const Told&)>& tell)>& share, const std::function<void(const Told&)>& hear) {
  static_assert(std::is_trivially_copyable_v<Told> && sizeof(Told) <= 4096, "written in one piece");
  Pipe pipe;
  for (int job = 0; job < jobs; ++job)
    if (start_job(job, [&] { return share(job, [&](const Told& told) { pipe.tell(&told, sizeof told); }); }) < 0) return 2;
  pipe.close_telling_end();
  for (Told told; pipe.hear(&told, sizeof told);) hear(told);
  return wait_for_jobs(jobs);
}

}  // namespace scoria::simulation

#include "usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace scoria::load {
namespace {

struct Process {
  int parent = 0;
  double seconds = 0;  // its own and those of ended children it has waited for
};

/// Nothing for a process that is gone.
bool read_process(const char* pid, Process& out) {
  std::FILE* file = std::fopen((std::string("/proc/") + pid + "/stat").c_str(), "re");
  if (file == nullptr) return false;
  char text[1024];
  const std::size_t size = std::fread(text, 1, sizeof text - 1, file);
  std::fclose(file);
  text[size] = '\0';
  const std::string line = text;
  const auto after_name = line.rfind(')');  // the name may hold anything
  if (after_name == std::string::npos) return false;
  unsigned long user = 0, system = 0;
  long waited_user = 0, waited_system = 0;
  if (std::sscanf(line.c_str() + after_name + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &out.parent, &user, &system,
                  &waited_user, &waited_system) != 5)
    return false;
  out.seconds = (static_cast<double>(user + system) + static_cast<double>(waited_user + waited_system)) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return true;
}

}  // namespace

std::map<int, double> cpu_seconds(const std::vector<int>& roots) {
  std::map<int, Process> all;
  DIR* folder = ::opendir("/proc");
  while (const dirent* entry = ::readdir(folder)) {
    Process process;
    if (const int pid = std::atoi(entry->d_name); pid > 0 && read_process(entry->d_name, process)) all[pid] = process;
  }
  ::closedir(folder);
  std::map<int, double> out;
  for (const auto& [pid, process] : all) {
    for (int at = pid; at > 1 && all.contains(at); at = all[at].parent)
      for (const int root : roots)
        if (root == at) out[root] += process.seconds;
  }
  return out;
}

double own_cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace scoria::load

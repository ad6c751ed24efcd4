#include "drivers/fake/array.h"

namespace scoria::drivers::fake {

Array::Array(Clock& clock, Random& random, ArrayOptions options) : clock_(clock), random_(random), options_(std::move(options)) {}

void Array::set_faults(const Faults& faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
}

void Array::script(std::string method, std::string object, Fate fate, int times) {
  const std::lock_guard lock(mutex_);
  scripted_.push_back({.method = std::move(method), .object = std::move(object), .fate = fate, .times = times});
}

void Array::raise_generation(std::int64_t generation) {
  const std::lock_guard lock(mutex_);
  generation_ = std::max(generation_, generation);
}

bool Array::write(const ObjectRef& object, std::int64_t block, std::uint64_t content, const std::string& writer, std::int64_t epoch) {
  const std::lock_guard lock(mutex_);
  settle();
  Object* found = find(object);
  if (found == nullptr || found->read_only || block < 0 || block * block_size >= found->size.count) return false;
  found->blocks[block] = {.content = content, .writer = writer, .epoch = epoch, .version = ++version_};
  note({.at = clock_.now(), .node = writer, .what = "!write", .object = object, .size = {block * block_size}, .epoch = epoch, .outcome = "ok"});
  return true;
}

std::uint64_t Array::read(const ObjectRef& object, std::int64_t block) { return look(object, block).content; }

Block Array::look(const ObjectRef& object, std::int64_t block) {
  const std::lock_guard lock(mutex_);
  settle();
  const Object* found = find(object);
  if (found == nullptr) return {};
  const auto at = found->blocks.find(block);
  return at == found->blocks.end() ? Block{} : at->second;
}

void Array::set_open(const ObjectRef& object, bool open) {
  const std::lock_guard lock(mutex_);
  if (Object* found = find(object)) found->open = std::max(0, found->open + (open ? 1 : -1));
}

std::vector<std::string> Array::names(const std::string& pool) {
  const std::lock_guard lock(mutex_);
  settle();
  return listing(pool, false, false);
}

std::shared_ptr<const Object> Array::object(const ObjectRef& object) {
  const std::lock_guard lock(mutex_);
  settle();
  const Object* found = find(object);
  return found == nullptr ? nullptr : std::make_shared<const Object>(*found);
}

std::vector<LogEntry> Array::log() {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::size_t Array::pending() {
  const std::lock_guard lock(mutex_);
  settle();
  return pending_.size();
}

Object* Array::find(const ObjectRef& object) {
  const auto at = objects_.find(key_of(object));
  return at == objects_.end() ? nullptr : &at->second;
}

Object& Array::make(const ObjectRef& object) {
  history_.push_back({.at = clock_.now(), .key = key_of(object), .made = true});
  return objects_[key_of(object)];
}

void Array::erase(const ObjectRef& object) {
  history_.push_back({.at = clock_.now(), .key = key_of(object), .made = false});
  objects_.erase(key_of(object));
}

void Array::settle() {
  const Instant now = clock_.now();
  const Instant old{now.since_boot - faults_.stale_by};
  while (!history_.empty() && history_.front().at < old) history_.pop_front();
  if (pending_.empty()) return;
  // Effects add none, so one pass is enough; in the order of their time.
  std::stable_sort(pending_.begin(), pending_.end(), [](const Pending& a, const Pending& b) { return a.at < b.at; });
  std::vector<Pending> due;
  while (!pending_.empty() && pending_.front().at <= now) {
    due.push_back(std::move(pending_.front()));
    pending_.erase(pending_.begin());
  }
  for (const Pending& one : due) one.effect();
}

Array::Draw Array::draw(const std::string& method, const std::string& object) {
  Draw out;
  const auto span = static_cast<std::uint64_t>(std::max<std::int64_t>(0, (faults_.latency_max - faults_.latency_min).count()));
  out.latency = faults_.latency_min + Duration{span == 0 ? 0 : static_cast<std::int64_t>(random_.below(span + 1))};
  for (Scripted& one : scripted_) {
    if (one.times == 0 || (one.method != "*" && one.method != method) || (!one.object.empty() && one.object != object)) continue;
    --one.times;
    out.fate = one.fate;
    out.delay = faults_.delay_max;
    return out;
  }
  const auto happens = [this](int permille) { return permille > 0 && random_.below(1000) < static_cast<std::uint64_t>(permille); };
  if (happens(faults_.error)) out.fate = Fate::error;
  else if (happens(faults_.hang)) out.fate = Fate::hang;
  else if (happens(faults_.lost_reply)) out.fate = Fate::lost_reply;
  else if (happens(faults_.partial)) out.fate = Fate::partial;
  else if (happens(faults_.delayed)) {
    out.fate = Fate::delayed;
    out.delay = Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(faults_.delay_max.count()) + 1))};
  }
  return out;
}

const ArrayPool* Array::pool(const std::string& name) const {
  for (const ArrayPool& pool : options_.pools)
    if (pool.name == name) return &pool;
  return nullptr;
}

Bytes Array::provisioned(const std::string& pool) const {
  Bytes sum;
  for (auto at = objects_.lower_bound({pool, ""}); at != objects_.end() && at->first.first == pool; ++at)
    if (!at->second.read_only) sum = sum + at->second.size;
  return sum;
}

Bytes Array::written(const std::string& pool) const {
  Bytes sum;
  for (auto at = objects_.lower_bound({pool, ""}); at != objects_.end() && at->first.first == pool; ++at)
    sum.count += static_cast<std::int64_t>(at->second.blocks.size()) * block_size;
  return sum;
}

std::vector<std::string> Array::listing(const std::string& pool, bool stale, bool partial) {
  std::map<std::string, bool> present;
  for (auto at = objects_.lower_bound({pool, ""}); at != objects_.end() && at->first.first == pool; ++at) present[at->first.second] = true;
  if (stale) {
    const Instant cut{clock_.now().since_boot - Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(faults_.stale_by.count()) + 1))}};
    for (auto change = history_.rbegin(); change != history_.rend() && change->at >= cut; ++change)
      if (change->key.first == pool) present[change->key.second] = !change->made;
  }
  std::vector<std::string> out;
  for (const auto& [name, there] : present)
    if (there && !(partial && random_.below(2) == 0)) out.push_back(name);
  return out;
}

/// Does the call run under a lock that another has taken since? What it carries is remembered else.
bool Array::outlived(const Call& call) {
  for (const Fence& fence : call.fences)
    for (const std::string& name : fence.names)
      if (fence.token != 0 && fence.token < tokens_[name]) return true;
  for (const Fence& fence : call.fences)
    for (const std::string& name : fence.names) tokens_[name] = std::max(tokens_[name], fence.token);
  return false;
}

void Array::note(LogEntry entry) {
  if (options_.keep_log) log_.push_back(std::move(entry));
}

}  // namespace scoria::drivers::fake

#include "base/failpoint.h"
#include "drivers/conformance/subjects.h"
#include "drivers/errors.h"

/// The kit must be able to fail: one driver, many mistakes, each found by the check that is named for it.
namespace scoria::drivers::conformance {
namespace {

enum Mistake {
  create_begins_anew = 1,
  create_takes_any_size,
  remove_of_the_absent_fails,
  remove_only_says_so,
  probe_shows_the_half_made_as_whole,
  list_forgets_the_last_of_a_page,
  list_is_unsorted,
  bad_names_are_mended,
  any_size_will_do,
  extend_can_shrink,
  new_space_is_not_empty,
  snapshot_follows_its_volume,
  snapshot_again_is_taken_anew,
  clone_forgets_its_size,
  clone_writes_through,
  base_takes_its_children_along,
  changed_misses_the_last,
  changed_tells_all,
  copy_goes_on_one_block_late,
  stop_is_not_heard,
  deadline_is_not_kept,
  two_may_hold,
  old_generations_pass,
  old_tokens_pass,
  a_crash_leaves_a_leak,
  a_crash_leaves_half_a_volume,
};

class BrokenDriver final : public Driver, public Extends, public Snapshots, public Flattens, public ChangedBlocks, public Holds {
 public:
  BrokenDriver(std::shared_ptr<fake::Array> array, int mistake)
      : array_(std::move(array)), inner_(fake::make_fake_driver(array_, "broken")), mistake_(static_cast<Mistake>(mistake)) {}

  std::string vendor() const override { return "broken"; }
  Claims claims() const override { return inner_->claims(); }
  DriverResult<> check(const Call& call) override { return inner_->check(call); }
  DriverResult<std::vector<PoolReport>> pools(const Call& call) override { return inner_->pools(call); }

  DriverResult<Probe> probe(const Call& call, const ObjectRef& object) override {
    DriverResult<Probe> out = inner_->probe(call, object);
    if (out && mistake_ == probe_shows_the_half_made_as_whole && out->presence == Presence::partial) out->presence = Presence::complete;
    return out;
  }

  DriverResult<> create(const Call& call, const ObjectRef& object, Bytes size) override {
    if (mistake_ == create_begins_anew)
      if (const auto there = array_->object(object); there != nullptr && there->size == size) static_cast<void>(inner_->remove(call, object));
    if (mistake_ == create_takes_any_size && array_->object(object) != nullptr) return {};
    if (mistake_ == a_crash_leaves_a_leak) {
      const ObjectRef scratch{.pool = object.pool, .name = object.name + ".scratch"};
      if (DriverResult<> made = inner_->create(heard(call), scratch, size); !made) return made;
      FAILPOINT("driver.broken.scratch");
      static_cast<void>(inner_->remove(heard(call), scratch));
    }
    if (mistake_ == a_crash_leaves_half_a_volume && array_->object(object) == nullptr && size.count >= 2 * mib) {
      if (DriverResult<> made = inner_->create(heard(call), object, {size.count / mib / 2 * mib}); !made) return made;
      FAILPOINT("driver.broken.half");
      return as<Extends>().extend(heard(call), object, size);
    }
    if (mistake_ == any_size_will_do && size.count > 0 && size.count < std::int64_t{1} << 50) size = round_up(size, {mib});
    return inner_->create(heard(call), mended(object), size);
  }

  DriverResult<> remove(const Call& call, const ObjectRef& object) override {
    if (mistake_ == remove_of_the_absent_fails && array_->object(object) == nullptr) return failed(FailureClass::permanent, "there is no {}", object.name);
    if (mistake_ == remove_only_says_so && array_->object(object) != nullptr && object.name.starts_with("volume")) return {};
    if (mistake_ == base_takes_its_children_along) spoil_children(object);
    return inner_->remove(heard(call), object);
  }

  DriverResult<std::vector<std::string>> list(const Call& call, std::string_view pool, std::string_view after, std::size_t limit) override {
    auto out = inner_->list(call, pool, after, limit);
    if (out && mistake_ == list_forgets_the_last_of_a_page && out->size() > 2) out->erase(out->end() - 2);
    if (out && mistake_ == list_is_unsorted && out->size() > 2) std::swap((*out)[0], (*out)[1]);
    return out;
  }

  DriverResult<Location> locate(const Call& call, const ObjectRef& object) override {
    const auto there = array_->object(object);
    const bool elsewhere = there != nullptr && !there->source.name.empty() &&
                           ((mistake_ == snapshot_follows_its_volume && there->read_only) || (mistake_ == clone_writes_through && !there->read_only));
    return inner_->locate(call, elsewhere && array_->object(there->source) != nullptr ? there->source : object);
  }

  DriverResult<> extend(const Call& call, const ObjectRef& object, Bytes size) override {
    const auto before = array_->object(object);
    if (mistake_ == extend_can_shrink && before != nullptr && size < before->size) {
      static_cast<void>(inner_->remove(call, object));
      return inner_->create(call, object, size);
    }
    DriverResult<> out = as<Extends>().extend(heard(call), object, size);
    if (out && mistake_ == new_space_is_not_empty && before != nullptr && before->size < size) array_->write(object, before->size.count / fake::block_size, 13, "broken");
    return out;
  }

  DriverResult<> snapshot(const Call& call, const ObjectRef& source, const ObjectRef& snapshot) override {
    if (mistake_ == snapshot_again_is_taken_anew)
      if (const auto there = array_->object(snapshot); there != nullptr && there->source.name == source.name) static_cast<void>(inner_->remove(call, snapshot));
    return as<Snapshots>().snapshot(heard(call), source, snapshot);
  }

  DriverResult<> clone(const Call& call, const ObjectRef& source, const ObjectRef& target, Bytes size) override {
    const auto there = array_->object(target), from = array_->object(source);
    if (mistake_ == clone_forgets_its_size && there == nullptr && from != nullptr && size >= from->size) size = from->size;
    DriverResult<> out = as<Snapshots>().clone(heard(call), source, target, size);
    if (out && mistake_ == copy_goes_on_one_block_late && there != nullptr && !there->complete) array_->write(target, there->filled, 0, "broken");
    return out;
  }

  DriverResult<> flatten(const Call& call, const ObjectRef& object) override { return as<Flattens>().flatten(heard(call), object); }

  DriverResult<std::vector<Extent>> changed(const Call& call, const ObjectRef& older, const ObjectRef& newer) override {
    auto out = as<ChangedBlocks>().changed(call, older, newer);
    if (out && mistake_ == changed_misses_the_last && !out->empty()) out->pop_back();
    if (out && mistake_ == changed_tells_all && !out->empty()) *out = {{.length = array_->object(newer)->size}};
    return out;
  }

  DriverResult<std::shared_ptr<void>> hold(const Call& call, const ObjectRef& object) override {
    auto out = as<Holds>().hold(call, object);
    if (!out && mistake_ == two_may_hold && out.error().kind == FailureClass::busy) return std::make_shared<int>(0);
    return out;
  }

 private:
  template <class Ability>
  Ability& as() {
    return dynamic_cast<Ability&>(*inner_);
  }

  Call heard(Call call) const {
    if (mistake_ == stop_is_not_heard) call.stop = {};
    if (mistake_ == deadline_is_not_kept) call.deadline = {};
    if (mistake_ == old_generations_pass) call.generation = 0;
    if (mistake_ == old_tokens_pass) call.fences.clear();
    return call;
  }

  ObjectRef mended(ObjectRef object) const {
    if (mistake_ != bad_names_are_mended) return object;
    for (char& c : object.name)
      if (c == '/' || c == ' ' || c == '\n') c = '_';
    return object;
  }

  void spoil_children(const ObjectRef& base) {
    for (const std::string& name : array_->names(base.pool)) {
      const ObjectRef other{.pool = base.pool, .name = name};
      if (const auto object = array_->object(other); object != nullptr && object->source.name == base.name && !object->read_only) array_->write(other, 0, 0, "broken");
    }
  }

  const std::shared_ptr<fake::Array> array_;
  const std::unique_ptr<Driver> inner_;
  const Mistake mistake_;
};

}  // namespace

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all{
      {"create begins anew over what exists", "create_is_exclusive_and_idempotent"},
      {"create takes what exists whatever its size", "create_is_exclusive_and_idempotent"},
      {"remove of the absent fails", "remove_is_idempotent_and_complete"},
      {"remove only says that it did", "remove_is_idempotent_and_complete"},
      {"probe shows the half made as whole", "a_stopped_copy_goes_on_where_it_was"},
      {"a page of the list lacks a name", "lists_are_sorted_paged_and_whole"},
      {"the list is not sorted", "lists_are_sorted_paged_and_whole"},
      {"bad names are mended instead of refused", "names_are_kept_to_the_letter"},
      {"any size is rounded instead of refused", "sizes_are_exact"},
      {"extend can shrink", "size_only_grows"},
      {"new space is not empty", "extending_keeps_the_bytes_of_all"},
      {"a snapshot follows its volume", "a_snapshot_keeps_its_moment"},
      {"a snapshot called for again is taken anew", "a_snapshot_is_taken_once"},
      {"a clone forgets its own size", "a_clone_has_the_bytes_and_its_own_size"},
      {"a clone writes through to its source", "clones_and_their_source_do_not_see_each_other"},
      {"a base takes its children along", "a_base_outlives_its_children"},
      {"changed blocks miss the last extent", "changed_blocks_miss_nothing"},
      {"changed blocks tell everything", "only_what_was_written_is_changed"},
      {"a copy goes on one block too late", "a_stopped_copy_goes_on_where_it_was"},
      {"stop is not heard", "a_stop_or_a_passed_deadline_does_nothing"},
      {"the deadline is not kept", "a_stop_or_a_passed_deadline_does_nothing"},
      {"two may hold one object", "an_object_has_one_holder"},
      {"calls of old generations pass", "an_old_generation_is_refused_if_claimed"},
      {"calls under lost locks pass", "an_old_token_is_refused_if_claimed"},
      {"a crash leaves a leak", "every_crash_is_finished_or_given_up"},
      {"a crash leaves half a volume", "every_crash_is_finished_or_given_up"},
  };
  return all;
}

std::unique_ptr<Driver> make_broken_driver(std::shared_ptr<fake::Array> array, int mutant) { return std::make_unique<BrokenDriver>(std::move(array), mutant); }

}  // namespace scoria::drivers::conformance

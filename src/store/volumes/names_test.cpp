#include "store/volumes/names.h"

#include "store/testing.h"

namespace scoria::store::volumes {
namespace {

class VolumeNames : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'fast', 1, '{}', 1), ('u', 'slow', 1, '{}', 1)");
    run("INSERT INTO service (host, binary_name, id, zone, inc, created_at, updated_at) VALUES ('one', 'cinder-volume', 'uuid', 'nova', 1, 1, 1), "
        "('one', 'cinder-backup', 'other', 'nova', 1, 1, 1)");
    run("INSERT INTO backend (name, cluster, zone, created_at) VALUES ('one', NULL, 'nova', 1), ('c', 'c', 'nova', 1)");
  }
  /// What is told of volumes of that type and backend.
  std::string told(Names& names, std::vector<std::pair<std::string, std::string>> wanted) {
    std::vector<Shown> volumes(wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) volumes[i].type = wanted[i].first, volumes[i].backend = wanted[i].second;
    const auto known = names.fill_in(database(), volumes);
    std::string out;
    for (const Shown& one : volumes) out += fmt::format("{}|{}|{} ", one.type_name, one.service_uuid, one.cluster);
    return out;
  }
};
SCORIA_EVERY_ENGINE(VolumeNames);

TEST_P(VolumeNames, are_those_of_types_services_and_clusters) {
  Names names(clock());
  EXPECT_EQ(told(names, {{"t", "one"}, {"t", "one"}, {"u", "c"}, {"t", ""}, {"u", "nobody"}}), "fast|uuid| fast|uuid| slow||c fast|| slow|| ");
  EXPECT_EQ(told(names, {}), "");
}

TEST_P(VolumeNames, are_asked_for_once_in_their_lifetime) {
  Names lasting(clock(), std::chrono::hours{1}), passing(clock(), Duration{0});
  for (Names* names : {&lasting, &passing}) EXPECT_EQ(told(*names, {{"t", "one"}}), "fast|uuid| ");
  run("UPDATE volume_type SET name = 'faster' WHERE id = 't'");
  run("UPDATE service SET id = 'new' WHERE binary_name = 'cinder-volume'");
  clock().sleep(1ms);
  const auto before = database().statistics().reads;
  EXPECT_EQ(told(lasting, {{"t", "one"}}), "fast|uuid| ");
  EXPECT_EQ(database().statistics().reads, before);
  EXPECT_EQ(told(passing, {{"t", "one"}}), "faster|new| ");
  EXPECT_EQ(database().statistics().reads, before + 1);
  EXPECT_EQ(told(lasting, {{"u", "one"}}), "slow|uuid| ") << "what is not known is asked for alone";
  lasting.forget();
  EXPECT_EQ(told(lasting, {{"t", "one"}}), "faster|new| ");
}

TEST_P(VolumeNames, are_all_told_when_it_begins_anew) {
  Names names(clock(), std::chrono::hours{1}, 2);
  EXPECT_EQ(told(names, {{"t", "one"}}), "fast|uuid| ");
  EXPECT_EQ(told(names, {{"t", "one"}, {"u", "c"}}), "fast|uuid| slow||c ");
}

TEST_P(VolumeNames, stay_good_while_others_ask) {
  Names names(clock(), Duration{0});
  Shown volume;
  volume.type = "t";
  const auto known = names.fill_in(database(), {&volume, 1});
  names.forget();
  EXPECT_EQ(told(names, {{"u", "c"}}), "slow||c ");
  EXPECT_EQ(volume.type_name, "fast");
}

}  // namespace
}  // namespace scoria::store::volumes

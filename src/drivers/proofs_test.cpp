#include "drivers/proofs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "drivers/conformance/subjects.h"
#include "os/files.h"

namespace scoria::drivers {
namespace {

struct Proofs : ::testing::Test {
  SystemClock clock;
  std::string directory = "/tmp/scoria_proofs_XXXXXX";
  void SetUp() override { ASSERT_NE(::mkdtemp(directory.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(directory); }
  std::string report(const std::string& text) {
    os::write_file_atomically(directory + "/report", text);
    return directory + "/report";
  }
  std::unique_ptr<Driver> fake() { return conformance::fake_subject(clock, {}).make(); }
};

TEST_F(Proofs, the_file_driver_is_proved_and_the_fake_one_cannot_be) {
  const auto file = conformance::file_subject(clock, {{"directory", directory}}).make();
  EXPECT_EQ(unproven("file", *file, ""), "");
  EXPECT_NE(unproven("fake", *fake(), "").find("not proved"), std::string::npos);
}

TEST_F(Proofs, a_report_of_the_kit_counts_for_its_driver_and_version_alone) {
  EXPECT_EQ(unproven("fake", *fake(), report(proof_report("fake", "1", 1))), "");
  EXPECT_NE(unproven("fake", *fake(), report(proof_report("fake", "2", 1))), "");
  EXPECT_NE(unproven("fake", *fake(), report(proof_report("other", "1", 1))), "");
}

TEST_F(Proofs, a_report_that_is_none_or_of_another_kit_is_told) {
  EXPECT_NE(unproven("fake", *fake(), directory + "/nowhere"), "");
  EXPECT_NE(unproven("fake", *fake(), report("{")), "");
  EXPECT_NE(unproven("fake", *fake(), report("{}")), "");
  EXPECT_NE(unproven("fake", *fake(), report(R"({"driver":"fake","version":"1","proof":"0123456789abcdef"})")).find("run again"), std::string::npos);
}

}  // namespace
}  // namespace scoria::drivers

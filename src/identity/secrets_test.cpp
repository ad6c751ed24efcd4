#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "identity/digest.h"
#include "identity/password.h"
#include "identity/seal.h"

namespace scoria {
namespace {

struct Seal : testing::Test {
  SystemRandom random;
  std::filesystem::path folder = [] {
    char path[] = "/tmp/scoria_seal_XXXXXX";
    return std::filesystem::path(::mkdtemp(path));
  }();
  std::string file = folder / "keys";
  ~Seal() override { std::filesystem::remove_all(folder); }

  void write(const std::string& text, mode_t mode = 0600) const {
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
  }
  std::string read() const {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST(Digest, known_answers) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  for (const std::string text : {"", "a", "ab", "abc", "abcd"}) EXPECT_EQ(from_base64(base64(text)), text);
  EXPECT_EQ(base64("ab"), "YWI=");
  EXPECT_EQ(from_base64("YW!="), "");
  EXPECT_EQ(from_base64("YWI"), "");
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

TEST_F(Seal, makes_its_key_once_readable_by_the_owner_alone_and_opens_what_it_sealed) {
  const auto first = open_sealer(file, random);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const std::string sealed = first->seal("chap secret", "connection/1");
  EXPECT_EQ(sealed.find("chap"), std::string::npos);
  EXPECT_NE(first->seal("chap secret", "connection/1"), sealed);
  const std::string key = read();
  EXPECT_EQ(open_sealer(file, random)->open(sealed, "connection/1").value(), "chap secret");
  EXPECT_EQ(read(), key);
  EXPECT_EQ(first->open(first->seal("", "x"), "x").value(), "");
}

TEST_F(Seal, every_changed_character_and_another_owner_are_refused) {
  const auto sealer = open_sealer(file, random);
  const std::string sealed = sealer->seal("secret", "volume/1");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(sealer->open(changed, "volume/1")) << i;
  }
  EXPECT_EQ(sealer->open(sealed, "volume/2").error().code, RefusalCode::invalid_state);
  for (const char* text : {"", "s1", "s1::", "plain text", "s1:0:0:0"}) EXPECT_FALSE(sealer->open(text, "volume/1")) << text;
  EXPECT_FALSE(sealer->open(sealed.substr(0, sealed.size() - 4), "volume/1"));
}

TEST_F(Seal, another_key_is_told_by_its_name) {
  const std::string sealed = open_sealer(file, random)->seal("secret", "a");
  std::filesystem::remove(file);
  const auto opened = open_sealer(file, random)->open(sealed, "a");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, RefusalCode::unavailable);
  EXPECT_NE(opened.error().message.find(sealed.substr(3, 8)), std::string::npos) << opened.error().message;
  EXPECT_NE(opened.error().message.find(file), std::string::npos);
}

TEST_F(Seal, an_old_key_below_the_new_one_still_opens) {
  const std::string sealed = open_sealer(file, random)->seal("secret", "a");
  write("# two keys\n" + std::string(64, '7') + "\n" + read());
  const auto both = open_sealer(file, random);
  EXPECT_EQ(both->open(sealed, "a").value(), "secret");
  EXPECT_EQ(both->seal("x", "a").substr(3, 8), key_id(std::string(32, '\x77')));
}

/// Lines of a version, the key and what it sealed. A new version adds a line (SCORIA_REGENERATE=1), an old line stays.
TEST_F(Seal, an_envelope_of_every_version_there_was_still_opens) {
  const std::string path = "src/identity/goldens/sealed.txt", owner = "attachment:5f0c";
  write(std::string(64, '7') + "\n");
  const std::string today = open_sealer(file, random)->seal("chap secret", owner);
  const std::string newest = today.substr(0, today.find(':'));
  std::set<std::string> versions;
  std::string version, key, sealed;
  for (std::ifstream goldens(path); goldens >> version >> key >> sealed;) {
    write(key + "\n");
    const auto opened = open_sealer(file, random)->open(sealed, owner);
    ASSERT_TRUE(opened) << version << ": " << opened.error().message;
    EXPECT_EQ(*opened, "chap secret");
    versions.insert(version);
  }
  if (::getenv("SCORIA_REGENERATE") != nullptr && versions.insert(newest).second)
    std::ofstream(path, std::ios::app) << newest << ' ' << std::string(64, '7') << ' ' << today << '\n';
  EXPECT_TRUE(versions.contains(newest)) << path << " has no envelope of version " << newest << ": SCORIA_REGENERATE=1 adds one";
}

TEST_F(Seal, a_key_file_that_is_open_to_others_or_no_key_file_is_refused) {
  write(std::string(64, 'a') + "\n", 0644);
  EXPECT_THROW(open_sealer(file, random), std::runtime_error);
  write("not a key\n");
  EXPECT_THROW(open_sealer(file, random), std::runtime_error);
  write("\n");
  EXPECT_THROW(open_sealer(file, random), std::runtime_error);
  EXPECT_THROW(open_sealer((folder / "absent" / "keys").string(), random), std::system_error);
}

TEST(Password, the_right_one_alone_opens) {
  SeededRandom random(1);
  const std::string quick = hash_password("correct horse", random, PasswordCost::generated);
  EXPECT_TRUE(verify_password("correct horse", quick));
  for (const char* wrong : {"correct horsf", "", "correct horse "}) EXPECT_FALSE(verify_password(wrong, quick));
  EXPECT_NE(hash_password("correct horse", random, PasswordCost::generated), quick);
  EXPECT_FALSE(verify_password("x", closed_hash(PasswordCost::generated)));
  for (const char* text : {"", "x", "scrypt$10$8$1$salt", "scrypt$99$8$1$salt$hash", "scrypt$10$8$0$salt$hash", "md5$10$8$1$salt$hash"})
    EXPECT_FALSE(verify_password("x", text)) << text;
}

TEST(Password, one_that_a_person_chose_costs_more) {
  SeededRandom random(1);
  const std::string hash = hash_password("chosen", random);
  EXPECT_TRUE(hash.starts_with("scrypt$14$8$5$"));
  EXPECT_TRUE(closed_hash().starts_with("scrypt$14$8$5$"));
  EXPECT_TRUE(verify_password("chosen", hash));
}

}  // namespace
}  // namespace scoria

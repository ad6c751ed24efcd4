#include "identity/seal.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "identity/digest.h"
#include "os/files.h"

namespace scoria {
namespace {

constexpr std::size_t key_bytes = 32, nonce_bytes = 12, tag_bytes = 16;
constexpr std::string_view version = "s1";

struct Key {
  std::string id;
  std::string bytes;
};

struct CipherDeleter {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherDeleter>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

/// Ready for `sealing` (1) or opening (0), with the associated data in.
Cipher start(bool sealing, const Key& key, std::string_view nonce, std::string_view associated) {
  Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool good = cipher && EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key.bytes), bytes_of(nonce), sealing ? 1 : 0) == 1 &&
                    EVP_CipherUpdate(cipher.get(), nullptr, &length, bytes_of(associated), static_cast<int>(associated.size())) == 1;
  SCORIA_CHECK(good, "OpenSSL has no AES-256-GCM");
  return cipher;
}

std::string run(EVP_CIPHER_CTX* cipher, std::string_view in) {
  std::string out(in.size(), '\0');
  int length = 0;
  SCORIA_CHECK(EVP_CipherUpdate(cipher, bytes_of(out), &length, bytes_of(in), static_cast<int>(in.size())) == 1, "AES-256-GCM does not run");
  return out;
}

/// The name is not secret, but the version, the key and the owner must be those that it was sealed with.
std::string associated_of(std::string_view key_name, std::string_view owner) { return fmt::format("{}:{}:{}", version, key_name, owner); }

tl::unexpected<Refusal> changed() {
  return refuse(RefusalCode::invalid_state, "a sealed secret in the database was changed or moved from another row; set it anew");
}

class FileSealer final : public Sealer {
 public:
  FileSealer(std::vector<Key> keys, std::string file, Random& random) : keys_(std::move(keys)), file_(std::move(file)), random_(random) {}

  std::string seal(std::string_view secret, std::string_view owner) override {
    const Key& key = keys_.front();
    std::string nonce;
    for (std::size_t i = 0; i < nonce_bytes; ++i) nonce += static_cast<char>(random_.next() >> 56U);
    const Cipher cipher = start(true, key, nonce, associated_of(key.id, owner));
    std::string sealed = run(cipher.get(), secret);
    std::string tag(tag_bytes, '\0');
    int length = 0;
    const bool good = EVP_CipherFinal_ex(cipher.get(), bytes_of(tag), &length) == 1 &&
                      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes, tag.data()) == 1;
    SCORIA_CHECK(good, "AES-256-GCM does not end");
    return fmt::format("{}:{}:{}", version, key.id, base64(nonce + sealed + tag));
  }

  Result<std::string> open(std::string_view sealed, std::string_view owner) const override {
    const std::vector<std::string_view> parts = split(sealed, ':');
    if (parts.size() != 3) return changed();
    if (parts[0] != version) return refuse(RefusalCode::unavailable, "a secret was sealed by a newer version ('{}') of Scoria", parts[0]);
    const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& one) { return one.id == parts[1]; });
    if (key == keys_.end())
      return refuse(RefusalCode::unavailable, "a secret was sealed with the key {}, which {} does not have (it has {}); copy the file from a node that has it",
                    parts[1], file_, keys_.front().id);
    const std::string raw = from_base64(parts[2]);
    if (raw.size() < nonce_bytes + tag_bytes) return changed();
    const std::string_view view(raw);
    const Cipher cipher = start(false, *key, view.substr(0, nonce_bytes), associated_of(key->id, owner));
    std::string secret = run(cipher.get(), view.substr(nonce_bytes, raw.size() - nonce_bytes - tag_bytes));
    std::string tag(view.substr(raw.size() - tag_bytes));
    std::string rest(tag_bytes, '\0');
    int length = 0;
    if (EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes, tag.data()) != 1) return changed();
    if (EVP_CipherFinal_ex(cipher.get(), bytes_of(rest), &length) != 1) return changed();
    return secret;
  }

 private:
  const std::vector<Key> keys_;
  const std::string file_;
  Random& random_;
};

std::string key_from_hex(std::string_view text) {
  std::string out;
  if (text.size() != key_bytes * 2) return out;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

/// Puts a fresh key there unless somebody else was faster: then theirs counts.
void make_key_file(const std::filesystem::path& path, Random& random) {
  std::string key;
  for (std::size_t i = 0; i < key_bytes; ++i) key += static_cast<char>(random.next() >> 56U);
  const os::Fd directory = os::open_directory(path.has_parent_path() ? path.parent_path().string() : ".");
  const os::Fd file = os::open_unnamed(directory, O_WRONLY);
  os::write_all(file, to_hex(key) + "\n");
  os::sync(file);
  os::link_unnamed(file, directory, path.filename().string());
  os::sync(directory);
}

}  // namespace

std::string key_id(std::string_view key) { return sha256_hex(key).substr(0, 8); }

std::unique_ptr<Sealer> open_sealer(const std::string& key_file, Random& random) {
  std::optional<os::Fd> file = os::open_if_there(key_file, O_RDONLY);
  if (!file) {
    make_key_file(key_file, random);
    file = os::open_file(key_file, O_RDONLY);
  }
  if ((os::status_of(*file).st_mode & 077U) != 0)
    throw std::runtime_error(fmt::format("{}: the key file may be read by others; chmod 600 it", key_file));
  std::vector<Key> keys;
  const std::string text = os::read_all(*file);
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trimmed(raw);
    if (line.empty() || line.front() == '#') continue;
    std::string key = key_from_hex(lower_case(line));
    if (key.empty()) throw std::runtime_error(fmt::format("{}: a key is {} hexadecimal digits on a line of its own", key_file, key_bytes * 2));
    keys.push_back({key_id(key), std::move(key)});
  }
  if (keys.empty()) throw std::runtime_error(fmt::format("{}: holds no key", key_file));
  return std::make_unique<FileSealer>(std::move(keys), key_file, random);
}

}  // namespace scoria

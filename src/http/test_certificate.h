#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace scoria::http::testing {

/// A self-signed certificate for 127.0.0.1 and localhost with its key, in a directory that ends with it.
class Certificate {
 public:
  Certificate() {
    std::string pattern = "/tmp/scoria-tls-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    const std::unique_ptr<EVP_PKEY, decltype(&::EVP_PKEY_free)> key(EVP_EC_gen("P-256"), ::EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&::X509_free)> certificate(::X509_new(), ::X509_free);
    ::X509_set_version(certificate.get(), 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), 1);
    ::X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    ::X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
    ::X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = ::X509_get_subject_name(certificate.get());
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    ::X509_set_issuer_name(certificate.get(), name);
    X509_EXTENSION* names = ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    ::X509_add_ext(certificate.get(), names, -1);
    ::X509_EXTENSION_free(names);
    ::X509_sign(certificate.get(), key.get(), ::EVP_sha256());
    write(certificate_file(), [&](FILE* file) { return ::PEM_write_X509(file, certificate.get()); });
    write(key_file(), [&](FILE* file) { return ::PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }
  ~Certificate() {
    std::remove(certificate_file().c_str());
    std::remove(key_file().c_str());
    std::remove(directory_.c_str());
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  std::string certificate_file() const { return directory_ + "/certificate.pem"; }
  std::string key_file() const { return directory_ + "/key.pem"; }

 private:
  template <class Put>
  static void write(const std::string& path, Put put) {
    FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr || put(file) != 1) std::abort();
    std::fclose(file);
  }

  std::string directory_;
};

}  // namespace scoria::http::testing

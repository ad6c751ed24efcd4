#include "net/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <ctime>
#include <memory>

namespace scoria::net {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open(const std::string& path) { return {std::fopen(path.c_str(), "re"), &std::fclose}; }

Timestamp time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return {std::int64_t{::timegm(&parts)} * 1'000'000};
}

Result<> fits(X509* certificate, const std::string& key_file) {
  const File file = open(key_file);
  if (!file) return refuse(RefusalCode::invalid_input, "the key file {} cannot be read", key_file);
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  if (!key) return refuse(RefusalCode::invalid_input, "{} holds no private key in PEM form", key_file);
  if (X509_check_private_key(certificate, key.get()) != 1) return refuse(RefusalCode::invalid_input, "the key in {} is another certificate's", key_file);
  return {};
}

}  // namespace

Result<Certificate> read_certificate(const std::string& certificate_file, const std::string& key_file) {
  const File file = open(certificate_file);
  if (!file) return refuse(RefusalCode::invalid_input, "the certificate file {} cannot be read", certificate_file);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(PEM_read_X509(file.get(), nullptr, nullptr, nullptr), &X509_free);
  if (!certificate) return refuse(RefusalCode::invalid_input, "{} holds no certificate in PEM form", certificate_file);
  if (!key_file.empty())
    if (Result<> fit = fits(certificate.get(), key_file); !fit) return refuse(std::move(fit.error()));
  char subject[256] = "";
  X509_NAME_oneline(X509_get_subject_name(certificate.get()), subject, sizeof subject);
  return Certificate{subject, time_of(X509_get0_notBefore(certificate.get())), time_of(X509_get0_notAfter(certificate.get()))};
}

}  // namespace scoria::net

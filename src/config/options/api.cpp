#include "config/options/api.h"

namespace scoria::config {

void ApiOptions::declare(Fields& fields) {
  fields.section("DEFAULT");
  fields.add("osapi_volume_listen", &listen, "Address the API listens on; 0.0.0.0 or :: for all.").host().familiar();
  fields.add("osapi_volume_listen_port", &port, "Port the API listens on.").familiar();
  fields.add("osapi_volume_workers", &workers, "Requests that are worked on at once.").between(1, 1000).familiar();
  fields.add("http_queue_limit", &queue_limit, "Requests that may wait for a worker; more are answered 503.").between(1, 100'000);
  fields.add("http_max_connections", &max_connections, "Connections that may be open at once.").between(1, 1'000'000);
  fields.add("http_max_header", &max_header, "Largest header of a request.").between(1024, 1024 * 1024);
  fields.add("osapi_max_request_body_size", &max_body, "Largest body of a request; more is answered 413.").at_least(1024).familiar();
  fields.add("http_header_timeout", &header_timeout, "How long a client may take to send a request's header.").between(0.1, 3600);
  fields.add("http_body_timeout", &body_timeout, "How long a client may take to send a request's body.").between(0.1, 3600);
  fields.add("http_idle_timeout", &idle_timeout, "How long an idle connection is kept.").between(0.1, 86'400);
  fields.add("http_write_timeout", &write_timeout, "How long a client may take to read an answer.").between(0.1, 3600);
  fields.add("osapi_volume_use_ssl", &use_tls, "Serves the API over TLS, with the certificate of [ssl].").familiar();
  fields.add("public_endpoint", &public_endpoint, "The URL under which clients reach the API, for links. Empty: as the request says.")
      .familiar().also("DEFAULT.osapi_volume_base_URL");
  fields.add("osapi_max_limit", &max_limit, "Most items that one page of a list holds.").between(1, 100'000).familiar();
  fields.add("resource_query_filters_file", &query_filters_file, "JSON file that says which filters users may give. Empty: Cinder's defaults.").familiar();
  fields.add("default_volume_type", &default_volume_type, "Type of volumes whose request names none. Empty: __DEFAULT__.").familiar();
  fields.add("allow_availability_zone_fallback", &allow_zone_fallback,
             "An unknown availability zone in a request falls back to the default one instead of being refused.").familiar();
  fields.add("cloned_volume_same_az", &cloned_volume_same_zone, "Volumes from volumes and snapshots stay in their source's availability zone.").familiar();
  fields.section("ssl", "TLS of the API.");
  fields.add("cert_file", &certificate_file, "Certificate chain, PEM.").familiar();
  fields.add("key_file", &key_file, "Private key, PEM.").familiar();
}

}  // namespace scoria::config

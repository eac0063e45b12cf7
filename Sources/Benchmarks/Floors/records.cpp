#include "include/records.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <simdjson.h>

#include "decimal.h"

using namespace simdjson;

// MARK: Records

static char *write_piece(char *out, const floor_piece &piece) {
  if (piece.name) {
    *out++ = '"';
    out = write_text(out, piece.name);
    *out++ = '"';
    *out++ = ':';
  }
  switch (piece.kind) {
    case floor_raw: return write_text(out, piece.text);
    case floor_integer: return write_integer(out, piece.number);
    case floor_text:
      *out++ = '"';
      out = write_text(out, piece.text);
      break;
    case floor_decimal:
      *out++ = '"';
      out = write_decimal(out, piece.number, piece.scale);
      break;
  }
  *out++ = '"';
  return out;
}

static bool opens(const floor_piece &piece) { return piece.kind == floor_raw && (*piece.text == '{' || *piece.text == '['); }
static bool closes(const floor_piece &piece) { return piece.kind == floor_raw && (*piece.text == '}' || *piece.text == ']'); }

size_t floor_write_record(const floor_piece *pieces, size_t count, char *out, size_t rounds) {
  char *end = out;
  for (size_t round = 0; round < rounds; round++) {
    end = out;
    bool needs_comma = false;
    for (size_t i = 0; i < count; i++) {
      if (needs_comma && !closes(pieces[i])) *end++ = ',';
      end = write_piece(end, pieces[i]);
      needs_comma = !opens(pieces[i]);
    }
    asm volatile("" ::: "memory");
  }
  return (size_t)(end - out);
}

static uint64_t read_value(ondemand::value value) {
  uint64_t sum = 0;
  switch (value.type()) {
    case ondemand::json_type::object:
      for (auto field : value.get_object()) {
        std::string_view name = field.unescaped_key();
        sum += name.size() + read_value(field.value());
      }
      return sum;
    case ondemand::json_type::array:
      for (auto element : value.get_array()) sum += read_value(element.value());
      return sum;
    case ondemand::json_type::string: {
      std::string_view text = value.get_string();
      bool is_decimal = !text.empty() && text.size() < 20 && text.find_first_not_of("0123456789.") == std::string_view::npos;
      return is_decimal ? (uint64_t)units(text, 10) : text.size();
    }
    case ondemand::json_type::number: return (uint64_t)(int64_t)value.get_int64();
    case ondemand::json_type::boolean: return (uint64_t)(bool)value.get_bool();
    default: return 0;
  }
}

uint64_t floor_read_record(const uint8_t *bytes, size_t length, size_t rounds) {
  ondemand::parser parser;
  uint64_t sum = 0;
  for (size_t round = 0; round < rounds; round++) {
    ondemand::document document = parser.iterate(padded_string_view(bytes, length, length + 64));
    ondemand::value root = document.get_value();
    sum += read_value(root);
  }
  return sum;
}

// MARK: Signing

struct floor_signer {
  EVP_MAC_CTX *context;
};

floor_signer *floor_signer_new(const char *key) {
  EVP_MAC *mac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  char digest[] = "SHA256";
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  EVP_MAC_init(context, (const unsigned char *)key, strlen(key), parameters);
  return new floor_signer{context};
}

void floor_signer_free(floor_signer *signer) {
  EVP_MAC_CTX_free(signer->context);
  delete signer;
}

void floor_sign(floor_signer *signer, const char *message, size_t length, char *hex, size_t rounds) {
  static const char digits[] = "0123456789abcdef";
  for (size_t round = 0; round < rounds; round++) {
    unsigned char code[32];
    size_t size = 0;
    EVP_MAC_init(signer->context, nullptr, 0, nullptr);
    EVP_MAC_update(signer->context, (const unsigned char *)message, length);
    EVP_MAC_final(signer->context, code, &size, sizeof code);
    for (size_t i = 0; i < size; i++) {
      hex[2 * i] = digits[code[i] >> 4];
      hex[2 * i + 1] = digits[code[i] & 15];
    }
  }
}

size_t floor_order_body(
  floor_signer *signer, const char *symbol, int is_buy, int64_t quantity, int64_t price, const char *client_id, int64_t milliseconds,
  char *out, size_t rounds) {
  char *end = out;
  for (size_t round = 0; round < rounds; round++) {
    end = write_text(out, "symbol=");
    end = write_text(end, symbol);
    end = write_text(end, is_buy ? "&side=BUY" : "&side=SELL");
    end = write_text(end, "&type=LIMIT&timeInForce=GTC&quantity=");
    end = write_decimal(end, quantity, 8);
    end = write_text(end, "&price=");
    end = write_decimal(end, price, 10);
    end = write_text(end, "&newClientOrderId=");
    end = write_text(end, client_id);
    end = write_text(end, "&newOrderRespType=FULL&recvWindow=2000&timestamp=");
    end = write_integer(end, milliseconds);
    char hex[64];
    floor_sign(signer, out, (size_t)(end - out), hex, 1);
    end = write_text(end, "&signature=");
    end = write_text(end, std::string_view(hex, sizeof hex));
  }
  return (size_t)(end - out);
}

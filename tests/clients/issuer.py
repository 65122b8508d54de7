"""An identity provider in an independent library: serves its discovery document and keys, signs what it is told.

A line of JSON claims on standard input is answered by a line with the token. The first line says the issuer.
"""
import http.server
import json
import sys
import threading
import time
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KID = "the-tests-own-key"
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
public.update(kid=KID, use="sig", alg="RS256")
# As GitHub's own document has it, without key operations.
public.pop("key_ops", None)


class Provider(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        documents = {
            "/.well-known/openid-configuration": {
                "issuer": issuer,
                "jwks_uri": issuer + "/.well-known/jwks",
                "subject_types_supported": ["public", "pairwise"],
                "response_types_supported": ["id_token"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid"],
            },
            "/.well-known/jwks": {"keys": [public]},
        }
        document = documents.get(self.path)
        self.send_response(200 if document else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(document or {}).encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
issuer = "http://127.0.0.1:%d" % server.server_port
threading.Thread(target=server.serve_forever, daemon=True).start()
print(issuer, flush=True)

for line in sys.stdin:
    now = int(time.time())
    claims = {"iss": issuer, "iat": now, "nbf": now - 300, "exp": now + 300, "jti": str(uuid.uuid4())}
    claims.update(json.loads(line))
    print(jwt.encode(claims, key, algorithm="RS256", headers={"kid": KID}), flush=True)

"""A small S3 client for the tests: it signs by itself, and sends what it is told to."""
import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import threading
import urllib.parse

UNRESERVED = "-._~"


class S3Error(Exception):
    pass


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=UNRESERVED + safe)


class S3:
    """One store; keys are str or bytes."""

    def __init__(self, port, access_key, secret_key, region="us-east-1"):
        self.port, self.access_key, self.secret_key, self.region = port, access_key, secret_key, region
        self.local = threading.local()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def sign(self, method, path, query, body, when):
        stamp = when.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        headers = {"host": f"127.0.0.1:{self.port}",
                   "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
                   "x-amz-date": stamp}
        names = ";".join(sorted(headers))
        canonical = "\n".join(
            [method, path, query, *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names,
             headers["x-amz-content-sha256"]])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret_key).encode()
        for part in (*scope.split("/"), to_sign):
            key = hmac.digest(key, part.encode(), "sha256")
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
                                    f"SignedHeaders={names}, Signature={key.hex()}")
        return headers

    def request(self, method, bucket, key=None, query=None, body=b"", good=(200, 204)):
        path = f"/{bucket}" + ("" if key is None else "/" + quote(key, safe="/"))
        text = "&".join(f"{quote(k)}={quote(v)}" for k, v in sorted((query or {}).items()))
        headers = self.sign(method, path, text, body, datetime.datetime.now(datetime.timezone.utc))
        for attempt in (1, 2):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                self.local.connection = connection
            try:
                connection.request(method, path + ("?" + text if text else ""), body, headers)
                response = connection.getresponse()
                answer = response.read()
                break
            except (http.client.HTTPException, OSError):
                connection.close()
                self.local.connection = None
                if attempt == 2:
                    raise
        if response.status not in good:
            raise S3Error(f"{method} {path}: {response.status} {answer[:500]!r}")
        return response, answer

    def make_bucket(self, bucket):
        self.request("PUT", bucket)

    def put(self, bucket, key, body=b""):
        return self.request("PUT", bucket, key, body=body)[0].headers["ETag"]

    def put_in_parts(self, bucket, key, body):
        """Of one part: its ETag is no MD5."""
        begun = self.request("POST", bucket, key, query={"uploads": ""})[1].decode()
        upload = begun.partition("<UploadId>")[2].partition("<")[0]
        part = self.request("PUT", bucket, key, query={"uploadId": upload, "partNumber": "1"}, body=body)[0]
        parts = f"<Part><PartNumber>1</PartNumber><ETag>{part.headers['ETag']}</ETag></Part>"
        self.request("POST", bucket, key, query={"uploadId": upload},
                     body=f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode())

    def get(self, bucket, key):
        return self.request("GET", bucket, key)[1]

    def delete(self, bucket, key):
        self.request("DELETE", bucket, key)

    def put_many(self, bucket, objects, threads=8):
        """objects: pairs of key and body."""
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(lambda pair: self.put(bucket, *pair), objects):
                pass

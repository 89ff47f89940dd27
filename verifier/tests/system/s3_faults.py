"""What can go wrong with an answer of a store. Each fault takes the request, the answer and a
dictionary that lasts for one run."""
import re


def error_500(_request, answer, _memory):
    answer.replace(500, b"<Error><Code>InternalError</Code><Message>try again</Message></Error>")


def slow_down(_request, answer, _memory):
    answer.replace(503, b"<Error><Code>SlowDown</Code></Error>", ("Retry-After", "0"))


def too_many(_request, answer, _memory):
    answer.replace(429, b"")


def bad_gateway(_request, answer, _memory):
    answer.replace(502, b"<html><body>Bad Gateway</body></html>")


def reset(_request, answer, _memory):
    answer.ending = "reset"


def closed(_request, answer, _memory):
    answer.ending = "close"


def reset_halfway(_request, answer, _memory):
    answer.send, answer.ending = len(answer.body) // 2, "reset"


def short_body(_request, answer, _memory):
    answer.send, answer.ending = max(0, len(answer.body) - 1), "close"


def empty_body(_request, answer, _memory):
    answer.body = b""


def other_bytes(_request, answer, _memory):
    """As long as the right one, and wrong."""
    answer.body = bytes(byte ^ 1 for byte in answer.body)


def cut_content(_request, answer, _memory):
    """Shorter, and its length says so."""
    answer.body = answer.body[:-1]


def cut_the_rest(_request, answer, _memory):
    """The connection breaks, and what is sent of the rest then is a byte short, as a whole answer."""
    if answer.status == 200:
        answer.send, answer.ending = len(answer.body) // 2, "reset"
    else:
        answer.body = answer.body[:-1]


# Of listings.

def cut_in_the_middle(_request, answer, _memory):
    answer.body = answer.body[:len(answer.body) // 2]


def cut_before_the_end(_request, answer, _memory):
    answer.body = answer.body[:answer.body.rindex(b"</")]


def cut_to_objects(_request, answer, _memory):
    """XML that is complete, and one object short."""
    answer.body = re.sub(rb"<Contents>.*?</Contents>", b"", answer.body, count=1)


def repeated(_request, answer, memory):
    """The page before comes again."""
    if "page" in memory:
        answer.body = memory["page"]


def no_token(_request, answer, _memory):
    answer.body = re.sub(rb"<NextContinuationToken>.*?</NextContinuationToken>", b"", answer.body,
                         flags=re.DOTALL)


def token_of_before(_request, answer, memory):
    """A token that leads to the page that has just been sent."""
    if "token" in memory:
        answer.body = re.sub(rb"(<NextContinuationToken>).*?(</NextContinuationToken>)",
                             lambda match: match[1] + memory["token"] + match[2], answer.body,
                             flags=re.DOTALL)


def no_end(_request, answer, _memory):
    answer.body = re.sub(rb"<IsTruncated>.*?</IsTruncated>", b"", answer.body)


def portal(_request, answer, _memory):
    answer.replace(200, b"<html><body>Welcome to our network</body></html>")


def error_with_200(_request, answer, _memory):
    answer.replace(200, b"<Error><Code>InternalError</Code></Error>")


ANY = [error_500, slow_down, too_many, bad_gateway, reset, closed, reset_halfway, short_body]
LISTING = ANY + [empty_body, cut_in_the_middle, cut_before_the_end, cut_to_objects, repeated, no_token,
                 token_of_before, no_end, portal, error_with_200]
CONTENT = ANY + [other_bytes, cut_content]


class At:
    """Applies a fault to one of the requests that `which` chooses, or to that and all after it."""

    def __init__(self, fault, number, which, always=False):
        self.fault, self.number, self.which, self.always = fault, number, which, always
        self.count = 0
        self.applied = 0
        self.memory = {}

    def __call__(self, _number, request, answer):
        before = dict(self.memory)
        if request.is_listing and answer.status == 200:
            self.memory["page"] = answer.body
            token = re.search(rb"<NextContinuationToken>(.*?)</NextContinuationToken>", answer.body,
                              re.DOTALL)
            if token:
                self.memory["token"] = token[1]
        if not self.which(request):
            return
        number = self.count
        self.count += 1
        if number == self.number or (self.always and number > self.number):
            body, status = answer.body, answer.status
            self.fault(request, answer, before)
            self.applied += (body, status) != (answer.body, answer.status) or answer.ending is not None

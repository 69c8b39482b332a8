"""The functions of Kubernetes' libraries, and the others."""

import pytest
from tests.cel.evaluating import ENV, KUBERNETES, failure, value

from steersman import cel
from steersman.cel.library import authz


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'tacocat'.charAt(3)", "o"),
        ("'abc'.charAt(3)", ""),
        ("'hello mellow'.indexOf('ello')", 1),
        ("'hello mellow'.indexOf('ello', 2)", 7),
        ("'hello mellow'.lastIndexOf('ello')", 7),
        ("'hello mellow'.lastIndexOf('ello', 6)", 1),
        ("'abc'.indexOf('')", 0),
        ("'TacoCÆt'.lowerAscii()", "tacocÆt"),
        ("'TacoCÆt'.upperAscii()", "TACOCÆT"),
        ("'he he'.replace('he', 'we', 1)", "we he"),
        ("'ab'.replace('', '_')", "_a_b_"),
        ("'a b c'.split(' ', 2)", ["a", "b c"]),
        ("'abc'.split('')", ["a", "b", "c"]),
        ("'a,b'.split(',', 0)", []),
        ("'tacocat'.substring(4) + 'tacocat'.substring(0, 4)", "cattaco"),
        ("' \\n x\\u2003'.trim()", "x"),
        ("['x', 'y'].join('-') + ['a', 'b'].join()", "x-yab"),
        ("strings.quote('a\"\\n')", '"a\\"\\n"'),
        ("'héllo'.contains('él') && 'abc'.startsWith('ab') && 'abc'.endsWith('bc')", True),
    ],
)
def test_strings(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'abc'.charAt(4)", "index out of range: 4"),
        ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
        ("'abc'.substring(4)", "index out of range: 4"),
        ("'abc'.indexOf('a', -1)", "index out of range: -1"),
        ("dyn([1]).join()", "join: invalid input: 1"),
    ],
)
def test_errors_of_strings(text: str, message: str) -> None:
    assert failure(text) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'%s is %d%%'.format(['a', 5])", "a is 5%"),
        ("'%.2f'.format([1234.5])", "1,234.50"),
        ("'%.3e'.format([1052.0329])", "1.052×10⁰³"),
        ("'%b %o %x %X'.format([5, 8, 255, 'hi'])", "101 10 ff 6869"),
        ("'%s'.format([[1, 'a', null, {'k': 1.5}]])", "[1, a, null, {k: 1.5}]"),
        ("'%s %s'.format([duration('1h'), timestamp(0)])", "3600s 1970-01-01T00:00:00Z"),
        ("'%s'.format([type('')])", "string"),
    ],
)
def test_format(text: str, expected: str) -> None:
    assert value(text, KUBERNETES) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'%d'.format(['a'])", "decimal clause can only be used on integers, was given string"),
        ("'%s'.format([])", "index 0 out of range"),
        ("'%z'.format([1])", 'unrecognized formatting clause "z"'),
        ("'%'.format([1])", "unexpected end of string"),
        ("'%.101f'.format([1.0])", "exceeds maximum allowed precision 100"),
    ],
)
def test_errors_of_format(text: str, message: str) -> None:
    assert message in failure(text, KUBERNETES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2, 2].isSorted() && !['b', 'a'].isSorted() && [].isSorted()", True),
        ("[1, 2].sum()", 3),
        ("[1.5, 2.5].sum()", 4.0),
        ("[duration('1m'), duration('1s')].sum() == duration('61s')", True),
        ("[3, 1, 2].min() * 10 + [3, 1, 2].max()", 13),
        ("[1, 2, 2].indexOf(2) * 10 + [1, 2, 2].lastIndexOf(2)", 12),
        ("[1].indexOf(5)", -1),
        ("['a'].includes('a') && 'a'.includes('a') && ![1].includes(2)", True),
        ("[1, 2, 3, 4].slice(1, 3)", [2, 3]),
        ("[1, [2, [3]]].flatten()", [1, 2, [3]]),
        ("dyn([1, [2, [3]]]).flatten(2)", [1, 2, 3]),
        ("[3, 1, 2].sort()", [1, 2, 3]),
        ("[{'n': 2}, {'n': 1}].sortBy(e, e.n)", [{"n": 1}, {"n": 2}]),
        ("lists.range(3)", [0, 1, 2]),
        ("[1, 2].reverse()", [2, 1]),
        ("[1, 2.0, 1.0, 2].distinct()", [1, 2.0]),
        ("sets.contains([1, 2], dyn([2.0]))", True),
        ("sets.equivalent([1, 1, 2], [2, 1])", True),
        ("sets.intersects([1], [2])", False),
    ],
)
def test_lists(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[].min()", "min called on empty list"),
        ("[1].slice(0, 2)", "cannot slice(0, 2), list is length 1"),
        ("[1].slice(1, 0)", "start index must be less than or equal to end index"),
        ("dyn([1, 'a']).sort()", "list elements must have the same type"),
        ("[[1]].flatten(-1)", "level must be non-negative"),
    ],
)
def test_errors_of_lists(text: str, message: str) -> None:
    assert message in failure(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'abc 123'.find('[0-9]+')", "123"),
        ("'abc'.find('[0-9]+')", ""),
        ("'123 abc 456'.findAll('[0-9]+')", ["123", "456"]),
        ("'123 abc 456'.findAll('[0-9]+', 1)", ["123"]),
        ("'foobar'.matches('o+b') && !'foobar'.matches('^b')", True),
        ("isURL('https://a.example:80/p') && !isURL('../relative') && !isURL('/%zz')", True),
        ("url('https://user@[::1]:80/a%20b?k=v&k=w').getHost()", "[::1]:80"),
        ("url('https://[::1]:80/').getHostname() + url('https://a:80/').getPort()", "::180"),
        ("url('HTTPS://a/b c').getEscapedPath() + url('HTTPS://a').getScheme()", "/b%20chttps"),
        ("url('http://a/?k=v&k=w&x').getQuery()", {"k": ["v", "w"], "x": [""]}),
        ("url('/path').getHost()", ""),
        ("url('mailto:a@b').getScheme()", "mailto"),
    ],
)
def test_regular_expressions_and_urls(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "isIP('10.0.0.1') && isIP('::1') && !isIP('010.0.0.1') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0')",
            True,
        ),
        ("ip('127.0.0.1').family() + ip('::1').family()", 10),
        ("ip('2001:DB8::1') == ip('2001:db8:0::1') && string(ip('2001:DB8::1')) == '2001:db8::1'", True),
        ("ip.isCanonical('2001:db8::1') && !ip.isCanonical('2001:DB8::1')", True),
        (
            "ip('127.0.0.1').isLoopback() && ip('0.0.0.0').isUnspecified() && ip('169.254.1.1').isLinkLocalUnicast()",
            True,
        ),
        ("ip('224.0.0.1').isLinkLocalMulticast() && ip('8.8.8.8').isGlobalUnicast()", True),
        ("isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0') && !isCIDR('10.0.0.0/33')", True),
        ("cidr('10.0.0.0/8').containsIP('10.1.1.1') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))", True),
        (
            "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))",
            True,
        ),
        ("string(cidr('10.1.2.3/8').masked())", "10.0.0.0/8"),
        ("cidr('10.1.2.3/8').prefixLength()", 8),
        ("cidr('10.1.2.3/8').ip() == ip('10.1.2.3')", True),
    ],
)
def test_network(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("isQuantity('1.5Gi') && !isQuantity('1 Gi') && !isQuantity('x')", True),
        ("quantity('1Gi').compareTo(quantity('1024Mi'))", 0),
        ("quantity('200M') == quantity('0.2G')", True),
        ("quantity('1').isLessThan(quantity('1500m')) && quantity('2').isGreaterThan(quantity('1'))", True),
        ("quantity('50k').add(quantity('20')).sub(20).asInteger()", 50000),
        ("quantity('1.5').isInteger() || quantity('9999999999999999999').isInteger()", False),
        ("quantity('-1').asApproximateFloat()", -1.0),
        ("sign(quantity('-1'))", -1),
        ("isSemver('1.2.3-alpha.1+b') && !isSemver('v1.0') && isSemver('v1.0', true) && !isSemver('1.02.0')", True),
        ("semver('1.2.3').major() * 100 + semver('1.2.3').minor() * 10 + semver('1.2.3').patch()", 123),
        (
            "semver('1.0.0-alpha').isLessThan(semver('1.0.0-beta')) && semver('1.0.0').isGreaterThan(semver('1.0.0-rc'))",
            True,
        ),
        ("semver('1.0.0-2').compareTo(semver('1.0.0-10'))", -1),
        ("semver('v01.2', true) == semver('1.2.0')", True),
        ("format.dns1123Label().validate('ab').hasValue()", False),
        ("format.dns1123Label().validate('A_').hasValue()", True),
        ("format.named('uuid').value().validate('x').value()", ["does not match the UUID format"]),
        ("format.named('nosuch').hasValue()", False),
        ("format.date().validate('2020-02-30').hasValue() && format.byte().validate('YQ').hasValue()", True),
        (
            "format.datetime().validate('2020-02-01T00:00:00Z').hasValue() || format.uri().validate('http://a').hasValue()",
            False,
        ),
        ("jsonpatch.escapeKey('k8s.io/my~key')", "k8s.io~1my~0key"),
    ],
)
def test_kubernetes_own(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quantity('x')", "quantities must match the regular expression"),
        ("quantity('1.5').asInteger()", "cannot convert value to integer"),
        ("semver('1')", 'Invalid semantic version "1"'),
        ("ip('1.2.3')", "parse error during conversion from string"),
        ("cidr('1.2.3.4')", "network address parse error during conversion from string"),
        ("url('no url')", "URL parse error during conversion from string"),
    ],
)
def test_texts_that_are_no_such_thing(text: str, message: str) -> None:
    assert message in failure(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("math.greatest(1, 2.5, 3u) == 3u && math.least([2, -1]) == -1", True),
        ("math.ceil(1.2) + math.floor(1.8) + math.round(-1.5) + math.trunc(-1.9)", 0.0),
        ("math.abs(-3) + math.sign(-9)", 2),
        ("math.bitAnd(6, 3) + math.bitOr(4, 1) + math.bitXor(5, 1) + math.bitNot(0)", 2 + 5 + 4 - 1),
        ("math.bitShiftLeft(1, 3) + math.bitShiftRight(8, 2)", 10),
        ("math.isNaN(0.0 / 0.0) && math.isInf(1.0 / 0.0) && math.isFinite(1.0)", True),
        ("math.sqrt(9)", 3.0),
        ("base64.encode(b'hello') + string(base64.decode('aGk'))", "aGVsbG8=hi"),
        ("'abc'.reverse()", "cba"),
    ],
)
def test_libraries_beyond_kubernetes(text: str, expected: object) -> None:
    assert value(text) == expected


class Recorder:
    """Allows to get, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[authz.Question] = []

    def __call__(self, question: authz.Question, /) -> tuple[bool, str, str]:
        self.asked.append(question)
        return question.verb == "get", "because", "" if question.verb != "fail" else "broken"


AUTHZ = cel.Env({"authorizer": authz.AUTHORIZER_TYPE, "authorizer.requestResource": authz.RESOURCE_CHECK_TYPE})


@pytest.mark.parametrize(
    ("text", "expected", "question"),
    [
        (
            "authorizer.group('apps').resource('deployments').subresource('scale').namespace('ns').name('web')"
            ".check('get').allowed()",
            True,
            authz.Question("get", "", "apps", "deployments", "scale", "ns", "web"),
        ),
        ("authorizer.path('/healthz').check('post').reason()", "because", authz.Question("post", "/healthz")),
        (
            "authorizer.serviceAccount('ns', 'sa').group('').resource('pods').check('fail').errored()",
            True,
            authz.Question("fail", resource="pods", service_account=("ns", "sa")),
        ),
        (
            "authorizer.group('').resource('pods').fieldSelector('a=b').labelSelector('c=d').check('fail').error()",
            "broken",
            authz.Question("fail", resource="pods", field_selector="a=b", label_selector="c=d"),
        ),
        ("authorizer.requestResource.check('get').allowed()", True, authz.Question("get", resource="nodes")),
    ],
)
def test_authorizer(text: str, expected: object, question: authz.Question) -> None:
    ask = Recorder()
    values = {
        "authorizer": authz.Authorizer(ask, authz.Question("")),
        "authorizer.requestResource": authz.ResourceCheck(ask, authz.Question("", resource="nodes")),
    }
    found, cost = AUTHZ.compile(text).measure(values)
    assert found == expected
    assert ask.asked == [question]
    assert cost > 350_000


def test_asking_is_so_dear_that_a_loop_of_it_ends() -> None:
    ask = Recorder()
    program = AUTHZ.compile("[1, 2, 3, 4].all(v, authorizer.path('/x').check('get').allowed())")
    with pytest.raises(cel.CostLimitExceeded):
        program.evaluate({"authorizer": authz.Authorizer(ask, authz.Question(""))})
    assert len(ask.asked) == 2


def test_every_function_answers_to_its_own_types() -> None:
    assert len({overload.id for library in cel.KUBERNETES for overload in library.overloads}) == sum(
        len(library.overloads) for library in cel.KUBERNETES
    )
    assert ENV.compile("size('')").evaluate({}) == 0

"""Decoding of stream messages, good and odd."""

from slackwater.data.recorder.decode import KEPT_TEXTS, AggTrade, BookTicker, MarkPrice, StreamDecoder

BOOK = b'{"e":"bookTicker","u":7,"E":2,"T":1,"s":"ETHUSDT","b":"1.1","B":"2","a":"1.2","A":"3","st":1}'
TRADE = b'{"e":"aggTrade","E":2,"s":"ETHUSDT","a":9,"p":"1.1","q":"5","f":1,"l":2,"T":1,"m":true,"nq":"5"}'
MARK = b'{"e":"markPriceUpdate","E":2,"s":"ETHUSDT","p":"1","r":"0.0001","T":3}'


def test_unknown_fields_are_ignored():
    book, trade, mark = StreamDecoder().decode([BOOK, TRADE, MARK])
    assert book == BookTicker("ETHUSDT", 7, 1, "1.1", "2", "1.2", "3")
    assert trade == AggTrade("ETHUSDT", 9, 1, "1.1", "5", True)
    assert mark == MarkPrice("ETHUSDT", 2, "0.0001", 3)


def test_odd_texts_are_counted_and_the_rest_goes_on():
    decoder = StreamDecoder()
    odd = [b'{"e":"newEvent"}', b'{"result":null,"id":1}', BOOK.replace(b'"u":7', b'"u":"x"'), b"[1]", b"{", b'{"e":"aggTrade","s":"\xff"}']
    found = list(decoder.decode([*odd, TRADE]))
    assert [type(message) for message in found] == [AggTrade]
    assert sum(decoder.odd.values()) == len(odd) and decoder.odd["malformed"] >= 1
    assert len(decoder.texts) == KEPT_TEXTS

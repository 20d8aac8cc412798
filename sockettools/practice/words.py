"""What the pages of the practice site are made of: words in eight languages, and nothing to say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Language:
    """A language by its code, the few words that every page needs, and others in any order."""

    code: str
    page: str
    of: str
    home: str
    up: str
    back: str
    onward: str
    below: str
    elsewhere: str
    text: str
    blank: str = " "
    stop: str = "."

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the text, to draw from."""
        return tuple(self.text.split())


def sentences(language: Language, seed: str) -> Iterator[str]:
    """Yield sentences without end, the same ones for the same seed."""
    draws = _draws(f"{language.code} {seed}")
    while True:
        chosen = [_one_of(language.words, draws) for _ in range(6 + next(draws) % 11)]
        text = language.blank.join(chosen) + language.stop
        yield text[0].upper() + text[1:]


def phrase(language: Language, seed: str, size: int = 3) -> str:
    """Return a few words, as for a link or a title."""
    draws = _draws(f"{language.code} phrase {seed}")
    return language.blank.join(_one_of(language.words, draws) for _ in range(size))


def _one_of(words: tuple[str, ...], draws: Iterator[int]) -> str:
    return words[next(draws) % len(words)]


def _draws(seed: str) -> Iterator[int]:
    # Not the random module, whose choices may differ between versions.
    for number in count():
        yield from hashlib.shake_128(f"{seed}/{number}".encode()).digest(1_024)


ENGLISH = Language(
    *("en", "Page", "of", "Home", "Up", "Back", "Next", "Below this page", "Elsewhere"),
    """
    the a one every no this that river harbour letter window morning winter garden stone
    bridge road market island ship captain engine signal copper paper kitchen table candle
    evening quiet heavy narrow early distant broken silver ordinary carries opens follows
    remembers builds leaves counts answers under behind between without toward and but
    because slowly often never again together almost
    """,
)
GERMAN = Language(
    *("de", "Seite", "von", "Anfang", "Nach oben", "Zurück", "Weiter", "Darunter", "Anderswo"),
    """
    der die das ein kein jeder Fluss Hafen Brief Fenster Morgen Winter Garten Brücke Straße
    Markt Insel Schiff Tür Küche Kerze Abend Mühle Wörterbuch Größe Schlüssel Übung Äpfel
    still schwer früh fern zerbrochen gewöhnlich trägt öffnet folgt erzählt zählt baut
    verlässt unter hinter zwischen ohne und aber weil langsam oft nie wieder zusammen fast
    natürlich
    """,
)
FRENCH = Language(
    *("fr", "Page", "sur", "Accueil", "Remonter", "Précédente", "Suivante", "Plus bas", "Ailleurs"),
    """
    le la un une chaque aucun fleuve port lettre fenêtre matin hiver jardin pierre pont
    route marché île navire capitaine cuivre papier cuisine bougie soirée forêt été théâtre
    leçon tranquille léger étroit lointain brisé argenté ordinaire porte ouvre suit répète
    construit quitte compte répond sous derrière entre sans vers et mais déjà lentement
    souvent jamais ensemble presque là où
    """,
)
SPANISH = Language(
    *("es", "Página", "de", "Inicio", "Arriba", "Anterior", "Siguiente", "Debajo", "Otros lugares"),
    """
    el la un una cada ningún río puerto carta ventana mañana invierno jardín piedra puente
    camino mercado isla barco capitán señal cobre papel cocina mesa vela tarde montaña niño
    tranquilo pequeño estrecho lejano roto plateado común lleva abre sigue recuerda
    construye cuenta responde bajo detrás entre sin hacia y pero porque despacio además
    nunca también juntos casi aquí
    """,
)
POLISH = Language(
    *("pl", "Strona", "z", "Początek", "W górę", "Wstecz", "Dalej", "Poniżej", "Gdzie indziej"),
    """
    każdy żaden ten ta rzeka port list okno poranek zima ogród kamień most droga rynek wyspa
    statek kapitan sygnał miedź papier kuchnia stół świeca wieczór góra książka źródło łąka
    cichy ciężki wąski wczesny daleki złamany srebrny zwykły niesie otwiera śledzi pamięta
    buduje liczy odpowiada pod między bez ku i ale ponieważ powoli często nigdy znów razem
    prawie
    """,
)
RUSSIAN = Language(
    *("ru", "Страница", "из", "Начало", "Вверх", "Назад", "Вперёд", "Ниже", "В другом месте"),
    """
    каждый этот та река гавань письмо окно утро зима сад камень мост дорога рынок остров
    корабль капитан сигнал медь бумага кухня стол свеча вечер гора книга ёлка лёд тихий
    тяжёлый узкий ранний далёкий серебряный обычный несёт открывает помнит строит считает
    отвечает под между без к и но потому медленно часто никогда снова вместе почти
    """,
)
JAPANESE = Language(
    *("ja", "ページ", "／", "ホーム", "上へ", "前へ", "次へ", "この下", "ほかの場所"),
    """
    川 港 手紙 窓 朝 冬 庭 石 橋 道 市場 島 船 船長 機械 信号 銅 紙 台所 机 夕方 山 本 表
    静かな 重い 狭い 早い 遠い 銀の 普通の 運ぶ 開く 続く 覚える 建てる 数える 答える の は
    を に と で ゆっくり いつも また 一緒に ほとんど しかし そして カメラ テレビ ソース
    """,
    blank="",
    stop="。",
)
CHINESE = Language(
    *("zh", "页", "／", "首页", "向上", "上一页", "下一页", "在此之下", "别处"),
    """
    河流 港口 信 窗户 早晨 冬天 花园 石头 桥 道路 市场 岛 船 船长 机器 信号 铜 纸 厨房 桌子
    蜡烛 傍晚 山 书 安静的 沉重的 狭窄的 早 遥远的 银色的 普通的 携带 打开 跟随 记得 建造
    计算 回答 在 的 和 但是 因为 慢慢地 经常 从不 再次 一起 几乎
    """,
    blank="",
    stop="。",
)

"""What people post: words in several scripts, drawn by a seed, so that two posts are never alike by accident."""

from __future__ import annotations

import random

#: By language: a vocabulary and what stands between two words.
_WORDS: dict[str, tuple[str, str]] = {
    "en": (
        "harbour crane ferry council bridge market tide warden lantern signal rope gull pier storm night morning "
        "convoy river village mayor hospital school train station lorry driver smoke fire siren window roof street "
        "court ruling judge letter minister border guard officer statement report video footage shows damage near "
        "after before again still third second hundred people workers families children volunteers doctors water "
        "power gas outage repaired closed open reached crossed left returned burned collapsed flooded rescued "
        "missing found heavy light early late northern southern eastern western old new quiet loud broken empty "
        "crowded overnight yesterday today tomorrow according residents said witnesses local regional authorities "
        "confirmed denied published warned asked refused opened signed agreed voted delayed cancelled",
        " ",
    ),
    "de": (
        "Hafen Kran Morgen Fähre Rat Brücke Markt Flut Wärter Laterne Signal Seil Möwe Steg Sturm Nacht Dorf Zug "
        "Bahnhof Straße Gericht Urteil Brief Grenze Feuer Rauch Fenster Dach Wasser Strom Ausfall repariert "
        "geschlossen geöffnet überquert verlassen verbrannt eingestürzt überflutet gerettet vermisst gefunden schwer "
        "früh spät nördlich südlich alt neu leise laut zerbrochen leer gestern heute morgen laut Anwohnern Zeugen "
        "Behörden bestätigt bestritten veröffentlicht gewarnt gefragt abgelehnt unterschrieben verschoben",
        " ",
    ),
    "fr": (
        "port grue matin bac conseil pont marché marée gardien lanterne signal corde mouette jetée tempête nuit "
        "village train gare rue tribunal jugement lettre frontière feu fumée fenêtre toit eau courant panne réparé "
        "fermé ouvert traversé quitté brûlé effondré inondé sauvé disparu retrouvé lourd tôt tard nord sud vieux "
        "neuf calme brisé vide hier aujourd'hui demain selon habitants témoins autorités confirmé démenti publié "
        "averti demandé refusé signé reporté annulé",
        " ",
    ),
    "uk": (
        "гавань кран ранок пором рада міст ринок приплив ліхтар сигнал канат чайка пристань буря ніч село потяг "
        "вокзал вулиця суд рішення лист кордон вогонь дим вікно дах вода струм знеструмлення відновлено закрито "
        "відкрито перетнули залишили згоріло обвалилося затоплено врятовано зникли знайдено важкий рано пізно "
        "північний південний старий новий тихий гучний порожній вчора сьогодні завтра мешканці свідки влада "
        "підтвердила спростувала оприлюднила попередила відмовила підписала",
        " ",
    ),
    "ar": (
        "ميناء رافعة صباح عبارة مجلس جسر سوق مد فانوس إشارة حبل نورس رصيف عاصفة ليل قرية قطار محطة شارع محكمة حكم "
        "رسالة حدود نار دخان نافذة سقف ماء كهرباء انقطاع أصلح أغلق فتح عبر غادر احترق انهار غمر أنقذ مفقود وجد ثقيل "
        "مبكر متأخر شمالي جنوبي قديم جديد هادئ فارغ أمس اليوم غدا السكان شهود السلطات أكدت نفت نشرت حذرت رفضت",
        " ",
    ),
    "ja": (
        "港 クレーン 朝 渡し船 議会 橋 市場 潮 灯り 合図 綱 鴎 桟橋 嵐 夜 村 列車 駅 通り "
        "裁判所 判決 手紙 国境 火災 煙 窓 屋根 水 停電 "
        "復旧 閉鎖 開通 渡った 去った 燃えた 崩れた 浸水 救助 行方不明 発見 重い 早い 遅い 北部 南部 古い 新しい 静か "
        "空 昨日 今日 明日 住民 "
        "目撃者 当局 確認 否定 公表 警告 拒否 署名 延期",
        "",
    ),
}
VOCABULARY = {lang: (tuple(words.split()), between) for lang, (words, between) in _WORDS.items()}
LANGUAGES = tuple(VOCABULARY)
EMOJI = ("🚨", "🔴", "🟢", "⚠️", "🇺🇦", "🇪🇺", "🇩🇪", "🌊", "🔥", "😮", "👇", "🐬", "🌪️", "👩‍🚒")
TERSE = ("This.", "Wow 😮", "No comment", "👇", "Indeed", "Breaking", "Oh.", "...")
_PROSE = (
    "officials declined comment while reporters waited outside building where talks continued through afternoon "
    "analysts cautioned that figures remained preliminary although several agencies described similar trends across "
    "sector earlier this month editors reviewed documents describing budget procurement schedule transport policy "
    "regional cooperation investment maintenance contract inspection insurance weather season tourism"
)


def sentence(rng: random.Random, lang: str, *, least: int = 7, most: int = 22) -> str:
    """A post's words: letters, a number now and then, a full stop or none."""
    words, between = VOCABULARY[lang]
    picked = [rng.choice(words) for _ in range(rng.randint(least, most))]
    if rng.random() < 0.6:
        picked.insert(rng.randrange(1, len(picked)), str(rng.randint(2, 989)))
    text = between.join(picked)
    end = "。" if lang == "ja" else "."
    return text[0].upper() + text[1:] + rng.choice((end, end, "", "!"))


def prose(rng: random.Random) -> str:
    """A paragraph of an article, in words that no post has."""
    words = [rng.choice(_PROSE.split()) for _ in range(rng.randint(12, 30))]
    return " ".join(words).capitalize() + "."


def number_changed(rng: random.Random, text: str) -> str:
    """The same report with another figure."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if word.strip(".,!").isdigit()]
    if not places:
        return f"{text} {rng.randint(2, 989)}"
    place = rng.choice(places)
    old = words[place].strip(".,!")
    words[place] = words[place].replace(old, str(int(old) + rng.randint(1, 9)))
    return " ".join(words)


def word_changed(rng: random.Random, text: str, lang: str) -> str:
    """The same report with one other word."""
    vocabulary, between = VOCABULARY[lang]
    if between == "":
        return text.rstrip("。!") + rng.choice(vocabulary) + "。"
    words = text.split(" ")
    place = rng.randrange(len(words))
    new = rng.choice([word for word in vocabulary if word.lower() != words[place].lower()])
    words[place] = new
    return " ".join(words)

import type { Texts } from "./texts.ts";

export const de: Texts = {
  locale: "de-DE",
  comma: ", ",
  instant: "{date}, {time} Uhr UTC",
  colon: ":",
  through: "bis einschließlich {date}",
  until: "bis {date}, {time} Uhr UTC",
  today: "heute",
  todayAt: "heute um {time} Uhr UTC",
  tomorrow: "morgen",
  inDays: { one: "in {n} Tag", other: "in {n} Tagen" },
  perpetual: "unbefristet, sie läuft nicht ab",
  unlimited: "unbegrenzt",
  more: "und {n} weitere",

  sender: "Lizenzen für {product}",
  hello: "Guten Tag {name},",
  footer: {
    one: "Diese E-Mail betrifft die Lizenz {id} von {company}. Fragen? Antworten Sie einfach, oder wenden Sie sich an {contact}.",
    more: "Diese E-Mail betrifft {n} Lizenzen von {company}. Fragen? Antworten Sie einfach, oder wenden Sie sich an {contact}.",
  },
  which: "{type} {id}",
  offline: {
    lead: "Kein Netz vor Ort?",
    words:
      " Lassen Sie {product} eine Anforderungsdatei schreiben und senden Sie diese an {contact}. Sie erhalten eine Datei zurück, mit der sich die Installation ohne Verbindung aktivieren lässt.",
  },
  facts: {
    license: "Lizenz",
    company: "Firma",
    type: "Lizenztyp",
    valid: "Gültig",
    grace: "Kulanzfrist",
    instances: "Instanzen",
    services: "Dienste",
    requests: "Anfragen pro Tag",
    features: "Funktionen",
    basics: "nur die Grundfunktionen",
  },
  signIn: {
    subject: "Anmelden bei {product} Licensing",
    preheader: "Der Link gilt {n} Minuten, in dem Browser, in dem er angefordert wurde.",
    title: "Anmelden bei {product} Licensing",
    words: "Sie haben einen Link zu Ihren Lizenzen angefordert.",
    button: "Anmelden",
    once: "Er gilt einmal, innerhalb von {n} Minuten und nur in dem Browser, in dem Sie ihn angefordert haben.",
    notYou:
      "Sie haben ihn nicht angefordert? Dann ist nichts zu tun: Ohne diesen Browser öffnet der Link nichts.",
    footer: "Fragen? Wenden Sie sich an {contact}.",
  },
  answer: {
    renewal: "eine Verlängerung",
    seats: "insgesamt {n} Plätze",
    question: "Ihre Frage",
    accepted: {
      subject: "Ihre Anfrage zu {product} ist erledigt: {what}",
      title: "Ihre Anfrage ist erledigt",
      words: "Worum Sie gebeten haben, ist erledigt: {what}.",
    },
    declined: {
      subject: "Ihre Anfrage zu {product} ist abgelehnt: {what}",
      title: "Ihre Anfrage ist abgelehnt",
      words: "Worum Sie gebeten haben, tun wir nicht: {what}.",
    },
    answered: {
      subject: "Eine Antwort auf Ihre Frage zu {product}",
      title: "Eine Antwort auf Ihre Frage",
      words: "Sie haben uns auf der Seite Ihrer Lizenzen etwas gefragt.",
    },
    preheader: "Was wir antworten, und wo Sie es finden.",
    said: "Unsere Antwort",
    button: "Anfragen öffnen",
  },
  contactAdded: {
    subject: "Ein neuer Kontakt für Lizenzen von {product}: {name}",
    title: "Ein neuer Kontakt ist eingetragen",
    words: "{by} hat {name} ({email}) in die Kontakte von {company} eingetragen.",
    preheader: "Wer es ist, und was Sie tun können.",
    allow:
      "Das Postfach ist bestätigt. Um sich anzumelden, braucht der neue Kontakt die Zustimmung eines anderen Kontakts.",
    wrong:
      "Stimmt das nicht? Entfernen Sie den Kontakt auf der Seite der Kontakte, oder wenden Sie sich an {contact}.",
    button: "Kontakte öffnen",
  },
  confirm: {
    subject: "Bestätigen Sie Ihr Postfach für {product} Licensing",
    title: "Bestätigen Sie Ihr Postfach",
    words: "{by} von {company} möchte, dass Sie E-Mails zu Lizenzen für {product} erhalten.",
    preheader: "Ein Klick, innerhalb von {n} Tagen.",
    button: "Bestätigen",
    notYou: "Sie erwarten das nicht? Dann ist nichts zu tun: Ohne Ihre Bestätigung senden wir nichts weiter.",
  },
  covers: "Leistungsumfang",
  validEnd: "Gültig {end}",
  graceEnd: "Kulanzfrist {end}",
  noGrace: "Keine Kulanzfrist",
  renewal: {
    heading: "So verlängern Sie",
    words:
      "Antworten Sie auf diese E-Mail, oder wenden Sie sich an {contact}. Nach der Verlängerung holen sich verbundene Installationen den neuen Schlüssel beim nächsten Abgleich selbst; für alle anderen senden wir ihn Ihnen zu.",
    ask: "Verlängerung anfragen",
    subject: "Verlängerung der Lizenz {ids} für {product}",
  },

  delivery: {
    subject: {
      one: "Ihre Lizenz für {product}: {which}",
      more: "Ihre {n} Lizenzen für {product}: {which}",
    },
    title: { one: "Ihre Lizenz für {product}", more: "Ihre {n} Lizenzen für {product}" },
    preheader: {
      one: "Ihr Lizenzschlüssel, und wie Sie ihn in drei kurzen Schritten einrichten. {validity}",
      more: "Ihre Lizenzschlüssel, und wie Sie sie in drei kurzen Schritten einrichten.",
    },
    intro: {
      one: "hier ist Ihre Lizenz für {product}. Den Schlüssel finden Sie unten und in der angehängten Datei {files}.",
      more: "hier sind Ihre {n} Lizenzen für {product}. Die Schlüssel finden Sie unten und in den angehängten Dateien {files}.",
    },
    perpetual: "Die Lizenz läuft nicht ab.",
    valid: "Die Lizenz gilt {end}.",
    key: "Ihr Lizenzschlüssel",
    secret:
      "Behandeln Sie einen Schlüssel wie ein Passwort: Wer ihn hat, kann an Ihrer Stelle Instanzen aktivieren.",
    install: "So richten Sie den Schlüssel ein",
    steps: [
      "Legen Sie die angehängte Datei dort ab, wo {product} die Lizenz liest, oder fügen Sie den Schlüssel auf der Lizenzseite von {product} ein.",
      "Starten Sie {product}.",
      "Das ist alles: Die Aktivierung geschieht von selbst über HTTPS.",
    ],
  },
  renewed: {
    subject: {
      one: "Ihre Lizenz für {product} ist verlängert: {which}",
      more: "{n} Lizenzen für {product} sind verlängert: {which}",
    },
    title: {
      one: "Ihre Lizenz für {product} ist verlängert",
      more: "{n} Lizenzen für {product} sind verlängert",
    },
    preheader: "{validity} Für verbundene Installationen müssen Sie nichts tun.",
    thanks: "vielen Dank für Ihr Vertrauen.",
    valid: "Die Lizenz gilt jetzt {end}.",
    validMore: "Gilt jetzt {end}",
    perpetual: "Die Lizenz läuft nicht mehr ab.",
    grace: "Danach folgt eine Kulanzfrist {end}.",
    connected: "Verbundene Installationen",
    nothing: "Sie müssen nichts tun: Der neue Schlüssel kommt beim nächsten Abgleich von selbst.",
    others: "Alle anderen Installationen",
    put: {
      one: "Den neuen Schlüssel finden Sie unten und in der angehängten Datei {files}. Ersetzen Sie damit den alten, oder fügen Sie ihn auf der Lizenzseite von {product} ein.",
      more: "Die neuen Schlüssel finden Sie unten und in den angehängten Dateien {files}. Ersetzen Sie damit jeweils den alten, oder fügen Sie den Schlüssel auf der Lizenzseite von {product} ein.",
    },
  },
  changed: {
    subject: {
      one: "Ihre Lizenz für {product} wurde geändert: {which}",
      more: "{n} Lizenzen für {product} wurden geändert: {which}",
    },
    title: {
      one: "Ihre Lizenz für {product} wurde geändert",
      more: "{n} Lizenzen für {product} wurden geändert",
    },
    preheader: "Was jetzt anders ist. {since}",
    words: { one: "Ihre Lizenz wurde geändert. ", more: "Ihre Lizenzen wurden geändert. " },
    since: "Das gilt ab {at}.",
    what: "Was sich geändert hat",
    starts: "Gültig ab",
    issue: "Ausstellung",
    noEnd: "unbefristet",
    days: { one: "{n} Tag", other: "{n} Tage" },
    versions: "Gilt für Versionen, erstellt",
    allVersions: "zu jeder Zeit",
    installations: "Ihre Installationen",
    install:
      "Verbundene Installationen übernehmen das beim nächsten Abgleich selbst, und ihr Schlüssel gilt weiter. Alle anderen brauchen eine neue Datei: Wenden Sie sich an {contact}.",
  },
  warning: {
    subject: {
      one: "Ihre Lizenz für {product} läuft {when} ab: {which}",
      more: "{n} Lizenzen für {product} laufen {when} ab: {which}",
    },
    title: {
      one: "Ihre Lizenz für {product} läuft {when} ab",
      more: "{n} Lizenzen für {product} laufen {when} ab",
    },
    subjectFirst: "{n} Lizenzen für {product} laufen ab, die erste {when}: {which}",
    titleFirst: "{n} Lizenzen für {product} laufen ab, die erste {when}",
    preheader: "Die Lizenz gilt {end}. Was danach geschieht, und wie Sie verlängern.",
    preheaderMore: "Welche das sind, was danach geschieht, und wie Sie verlängern.",
    words: "Ihre Lizenz {type} für {product} ({id}) läuft {when} ab.",
    wordsMore: "diese Lizenzen für {product} enden bald:",
    left: { one: "Noch {n} Tag", other: "Noch {n} Tage" },
    expires: "Läuft {when} ab",
    valid: "Gültig {end}.",
    next: "Was danach geschieht",
    grace:
      "Es wird nicht sofort etwas abgeschaltet. Ohne Verlängerung läuft {product} in der Kulanzfrist weiter, und zwar {end}; dann stoppt {product}.",
    stops: "Diese Lizenz hat keine Kulanzfrist: Ohne Verlängerung stoppt {product} dann.",
    graceMore:
      "Ohne Verlängerung läuft {product} in der Kulanzfrist einer Lizenz weiter, sofern sie eine hat; dann stoppt {product}.",
  },
  part: {
    subject: {
      one: "Ein Teil Ihrer Lizenz für {product} endet {when}: {which}",
      more: "Teile von {n} Lizenzen für {product} enden, der erste {when}: {which}",
    },
    title: {
      one: "Ein Teil Ihrer Lizenz für {product} endet {when}",
      more: "Teile von {n} Lizenzen für {product} enden, der erste {when}",
    },
    preheader: "Was endet, was danach geschieht, und wie Sie verlängern.",
    words: "Ihre Lizenz {type} für {product} ({id}) umfasst dies nur für eine begrenzte Zeit:",
    wordsMore: "diese Lizenzen für {product} umfassen einiges nur für eine begrenzte Zeit:",
    after:
      "Die Lizenz selbst gilt weiter. Ohne Verlängerung läuft {product} danach ohne das, was geendet hat.",
  },
  expired: {
    subject: {
      one: "Ihre Lizenz für {product} ist abgelaufen: {which}",
      more: "{n} Lizenzen für {product} sind abgelaufen: {which}",
    },
    title: {
      one: "Ihre Lizenz für {product} ist abgelaufen",
      more: "{n} Lizenzen für {product} sind abgelaufen",
    },
    preheaderGrace: "{product} läuft in der Kulanzfrist weiter, {end}. So verlängern Sie.",
    preheaderStopped: "Die Lizenz hatte keine Kulanzfrist, {product} wurde gestoppt. So verlängern Sie.",
    preheaderMore: "Welche das sind, und wie Sie verlängern.",
    words: "Ihre Lizenz {type} für {product} ({id}) galt {end} und ist abgelaufen.",
    wordsMore: "diese Lizenzen für {product} sind abgelaufen:",
    was: "Galt {end}",
    grace: "Kulanzfrist {end}",
    graceWords: "So lange läuft {product} weiter wie bisher. Ohne Verlängerung stoppt {product} danach.",
    stopped: "{product} wurde gestoppt",
    stoppedWords: "Diese Lizenz hat keine Kulanzfrist. Nach einer Verlängerung läuft {product} wieder.",
    graceMore:
      "Mit einer Lizenz in der Kulanzfrist läuft {product} weiter wie bisher und stoppt an deren Ende. Ohne Kulanzfrist wurde {product} gestoppt und läuft nach einer Verlängerung wieder.",
  },
};

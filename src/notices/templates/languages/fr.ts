import type { Texts } from "./texts.ts";

// No line breaks before a colon or a question mark.
export const fr: Texts = {
  locale: "fr-FR",
  comma: ", ",
  instant: "{date} à {time} UTC",
  colon: "\u00a0:",
  through: "jusqu’au {date} inclus",
  until: "jusqu’au {date} à {time} UTC",
  today: "aujourd’hui",
  todayAt: "aujourd’hui à {time} UTC",
  tomorrow: "demain",
  inDays: { one: "dans {n} jour", other: "dans {n} jours" },
  perpetual: "sans limite de durée",
  unlimited: "illimité",
  more: "et {n} de plus",

  sender: "Licences {product}",
  hello: "Bonjour {name},",
  footer: {
    one: "Ce message concerne la licence {id} de {company}. Une question\u00a0? Répondez à ce message ou contactez {contact}.",
    more: "Ce message concerne {n} licences de {company}. Une question\u00a0? Répondez à ce message ou contactez {contact}.",
  },
  which: "{type} {id}",
  offline: {
    lead: "Pas de réseau sur place\u00a0?",
    words:
      " Faites générer par {product} un fichier de demande et envoyez-le à {contact}. Vous recevrez en retour un fichier qui active l’installation sans connexion.",
  },
  facts: {
    license: "Licence",
    company: "Société",
    type: "Type de licence",
    valid: "Valable",
    grace: "Délai de grâce",
    instances: "Nombre d’instances",
    services: "Nombre de services",
    requests: "Requêtes par jour",
    features: "Fonctions",
    basics: "fonctions de base uniquement",
  },
  signIn: {
    subject: "Connexion à {product} Licensing",
    preheader: "Le lien est valable {n} minutes, dans le navigateur qui l’a demandé.",
    title: "Connexion à {product} Licensing",
    words: "Vous avez demandé un lien vers vos licences.",
    button: "Se connecter",
    once: "Il fonctionne une seule fois, pendant {n} minutes, et seulement dans le navigateur où vous l’avez demandé.",
    notYou: "Ce n’était pas vous ? Il n’y a rien à faire : sans ce navigateur, le lien n’ouvre rien.",
    footer: "Des questions ? Contactez {contact}.",
  },
  answer: {
    renewal: "un renouvellement",
    seats: "{n} postes au total",
    question: "votre question",
    accepted: {
      subject: "Votre demande sur {product} est satisfaite : {what}",
      title: "Votre demande est satisfaite",
      words: "C’est fait, comme vous l’avez demandé : {what}.",
    },
    declined: {
      subject: "Votre demande sur {product} est refusée : {what}",
      title: "Votre demande est refusée",
      words: "Nous ne donnons pas suite à votre demande : {what}.",
    },
    answered: {
      subject: "Une réponse à votre question sur {product}",
      title: "Une réponse à votre question",
      words: "Vous nous avez posé une question sur la page de vos licences.",
    },
    preheader: "Ce que nous répondons, et où le retrouver.",
    said: "Notre réponse",
    button: "Ouvrir vos demandes",
  },
  contactAdded: {
    subject: "Un nouveau contact pour les licences de {product} : {name}",
    title: "Un nouveau contact est ajouté",
    words: "{by} a ajouté {name} ({email}) aux contacts de {company}.",
    preheader: "Qui c’est, et ce que vous pouvez faire.",
    allow:
      "L’adresse est confirmée. Pour se connecter, le nouveau contact a besoin de l’accord d’un autre contact.",
    wrong: "C’est une erreur ? Retirez le contact sur la page des contacts, ou contactez {contact}.",
    button: "Ouvrir les contacts",
  },
  confirm: {
    subject: "Confirmez votre adresse pour {product} Licensing",
    title: "Confirmez votre adresse",
    words: "{by} de {company} souhaite que vous receviez les messages sur les licences de {product}.",
    preheader: "Un clic, dans les {n} jours.",
    button: "Confirmer",
    notYou:
      "Vous n’attendiez pas ce message ? Il n’y a rien à faire : sans votre confirmation, nous n’enverrons rien de plus.",
  },
  covers: "Ce que couvre la licence",
  validEnd: "Valable {end}",
  graceEnd: "Délai de grâce {end}",
  noGrace: "Sans délai de grâce",
  renewal: {
    heading: "Comment renouveler",
    words:
      "Répondez à ce message ou contactez {contact}. Après le renouvellement, les installations connectées reçoivent la nouvelle clé d’elles-mêmes à leur prochain contact\u00a0; pour toutes les autres, nous vous l’envoyons.",
    ask: "Demander le renouvellement",
    subject: "Renouvellement de la licence {product} {ids}",
  },

  delivery: {
    subject: {
      one: "Votre licence {product}\u00a0: {which}",
      more: "Vos {n} licences {product}\u00a0: {which}",
    },
    title: { one: "Votre licence {product}", more: "Vos {n} licences {product}" },
    preheader: {
      one: "Votre clé de licence, et comment l’installer en trois étapes. {validity}",
      more: "Vos clés de licence, et comment les installer en trois étapes.",
    },
    intro: {
      one: "Voici votre licence {product}. La clé se trouve ci-dessous et dans le fichier joint {files}.",
      more: "Voici vos {n} licences {product}. Les clés se trouvent ci-dessous et dans les fichiers joints {files}.",
    },
    perpetual: "Elle n’expire pas.",
    valid: "Elle est valable {end}.",
    key: "Votre clé de licence",
    secret:
      "Traitez une clé comme un mot de passe\u00a0: quiconque la possède peut activer des instances à votre place.",
    install: "Comment l’installer",
    steps: [
      "Placez le fichier joint là où {product} lit sa licence, ou collez la clé dans la page de licence de {product}.",
      "Démarrez {product}.",
      "C’est tout\u00a0: l’activation se fait d’elle-même par HTTPS.",
    ],
  },
  renewed: {
    subject: {
      one: "Votre licence {product} est renouvelée\u00a0: {which}",
      more: "{n} licences {product} sont renouvelées\u00a0: {which}",
    },
    title: {
      one: "Votre licence {product} est renouvelée",
      more: "{n} licences {product} sont renouvelées",
    },
    preheader: "{validity} Les installations connectées ne demandent rien de votre part.",
    thanks: "Merci de votre fidélité.",
    valid: "Elle est désormais valable {end}.",
    validMore: "Désormais valable {end}",
    perpetual: "Elle n’expire plus.",
    grace: "Suivie d’un délai de grâce {end}.",
    connected: "Installations connectées",
    nothing:
      "Vous n’avez rien à faire\u00a0: elles reçoivent la nouvelle clé d’elles-mêmes à leur prochain contact.",
    others: "Toutes les autres installations",
    put: {
      one: "La nouvelle clé se trouve ci-dessous et dans le fichier joint {files}. Mettez-la à la place de l’ancienne, ou collez-la dans la page de licence de {product}.",
      more: "Les nouvelles clés se trouvent ci-dessous et dans les fichiers joints {files}. Mettez chacune à la place de l’ancienne, ou collez-la dans la page de licence de {product}.",
    },
  },
  changed: {
    subject: {
      one: "Votre licence {product} a été modifiée\u00a0: {which}",
      more: "{n} licences {product} ont été modifiées\u00a0: {which}",
    },
    title: {
      one: "Votre licence {product} a été modifiée",
      more: "{n} licences {product} ont été modifiées",
    },
    preheader: "Ce qui est différent désormais. {since}",
    words: { one: "Votre licence a été modifiée. ", more: "Vos licences ont été modifiées. " },
    since: "Cela s’applique à partir du {at}.",
    what: "Ce qui a changé",
    starts: "Valable à partir du",
    issue: "jour de l’émission",
    noEnd: "sans limite de durée",
    days: { one: "{n} jour", other: "{n} jours" },
    versions: "Couvre les versions créées",
    allVersions: "à tout moment",
    installations: "Vos installations",
    install:
      "Les installations connectées en tiennent compte d’elles-mêmes à leur prochain contact, et leur clé reste valable. Toutes les autres ont besoin d’un nouveau fichier\u00a0: contactez {contact}.",
  },
  warning: {
    subject: {
      one: "Votre licence {product} expire {when}\u00a0: {which}",
      more: "{n} licences {product} expirent {when}\u00a0: {which}",
    },
    title: { one: "Votre licence {product} expire {when}", more: "{n} licences {product} expirent {when}" },
    subjectFirst: "{n} licences {product} expirent, la première {when}\u00a0: {which}",
    titleFirst: "{n} licences {product} expirent, la première {when}",
    preheader: "Elle est valable {end}. Ce qui se passe ensuite, et comment la renouveler.",
    preheaderMore: "Lesquelles, ce qui se passe ensuite, et comment les renouveler.",
    words: "Votre licence {type} pour {product} ({id}) expire {when}.",
    wordsMore: "Ces licences pour {product} expirent bientôt\u00a0:",
    left: { one: "Plus que {n} jour", other: "Plus que {n} jours" },
    expires: "Expire {when}",
    valid: "Valable {end}.",
    next: "Ce qui se passe ensuite",
    grace:
      "Rien ne s’arrête immédiatement. Sans renouvellement, {product} continue pendant son délai de grâce, {end}\u00a0; puis il s’arrête.",
    stops: "Cette licence n’a pas de délai de grâce\u00a0: sans renouvellement, {product} s’arrête alors.",
    graceMore:
      "Sans renouvellement, {product} continue pendant le délai de grâce d’une licence, si elle en a un\u00a0; puis il s’arrête.",
  },
  part: {
    subject: {
      one: "Une partie de votre licence {product} prend fin {when}\u00a0: {which}",
      more: "Des parties de {n} licences {product} prennent fin, la première {when}\u00a0: {which}",
    },
    title: {
      one: "Une partie de votre licence {product} prend fin {when}",
      more: "Des parties de {n} licences {product} prennent fin, la première {when}",
    },
    preheader: "Ce qui prend fin, ce qui se passe ensuite, et comment renouveler.",
    words: "Votre licence {type} pour {product} ({id}) ne comprend ceci que pour un temps\u00a0:",
    wordsMore: "Ces licences pour {product} ne comprennent certains éléments que pour un temps\u00a0:",
    after:
      "La licence elle-même reste valable. Sans renouvellement, {product} continue ensuite sans ce qui a pris fin.",
  },
  expired: {
    subject: {
      one: "Votre licence {product} a expiré\u00a0: {which}",
      more: "{n} licences {product} ont expiré\u00a0: {which}",
    },
    title: { one: "Votre licence {product} a expiré", more: "{n} licences {product} ont expiré" },
    preheaderGrace: "{product} continue en délai de grâce {end}. Comment renouveler.",
    preheaderStopped: "Elle n’avait pas de délai de grâce\u00a0: {product} s’est arrêté. Comment renouveler.",
    preheaderMore: "Lesquelles, et comment les renouveler.",
    words: "Votre licence {type} pour {product} ({id}) était valable {end} et a expiré.",
    wordsMore: "Ces licences pour {product} ont expiré\u00a0:",
    was: "Était valable {end}",
    grace: "Délai de grâce {end}",
    graceWords: "D’ici là, {product} continue comme avant. Sans renouvellement, il s’arrête ensuite.",
    stopped: "{product} s’est arrêté",
    stoppedWords:
      "Cette licence n’a pas de délai de grâce. Un renouvellement permet de redémarrer {product}.",
    graceMore:
      "Avec une licence en délai de grâce, {product} continue comme avant et s’arrête à la fin de ce délai. Sans délai de grâce, il s’est arrêté\u00a0; un renouvellement permet de le redémarrer.",
  },
};

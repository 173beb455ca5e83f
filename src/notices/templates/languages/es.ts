import type { Texts } from "./texts.ts";

export const es: Texts = {
  locale: "es-ES",
  comma: ", ",
  instant: "{date} a las {time} UTC",
  colon: ":",
  through: "hasta el {date} inclusive",
  until: "hasta el {date} a las {time} UTC",
  today: "hoy",
  todayAt: "hoy a las {time} UTC",
  tomorrow: "mañana",
  inDays: { one: "en {n} día", other: "en {n} días" },
  perpetual: "sin fecha de vencimiento",
  unlimited: "sin límite",
  more: "y {n} más",

  sender: "Licencias de {product}",
  hello: "Hola, {name}:",
  footer: {
    one: "Este mensaje trata de la licencia {id} de {company}. ¿Tiene preguntas? Responda a este mensaje o escriba a {contact}.",
    more: "Este mensaje trata de {n} licencias de {company}. ¿Tiene preguntas? Responda a este mensaje o escriba a {contact}.",
  },
  which: "{type} {id}",
  offline: {
    lead: "¿No hay red allí?",
    words:
      " Haga que {product} escriba un archivo de solicitud y envíelo a {contact}. Recibirá un archivo que activa la instalación sin conexión.",
  },
  facts: {
    license: "Licencia",
    company: "Empresa",
    type: "Tipo de licencia",
    valid: "Válida",
    grace: "Período de gracia",
    instances: "Instancias",
    services: "Servicios",
    requests: "Solicitudes al día",
    features: "Funciones",
    basics: "solo las básicas",
  },
  signIn: {
    subject: "Iniciar sesión en {product} Licensing",
    preheader: "El enlace vale {n} minutos, en el navegador que lo pidió.",
    title: "Iniciar sesión en {product} Licensing",
    words: "Ha pedido un enlace a sus licencias.",
    button: "Iniciar sesión",
    once: "Funciona una sola vez, durante {n} minutos, y solo en el navegador en el que lo pidió.",
    notYou: "¿No lo ha pedido usted? No hay nada que hacer: sin ese navegador, el enlace no abre nada.",
    footer: "¿Preguntas? Póngase en contacto con {contact}.",
  },
  answer: {
    renewal: "una renovación",
    seats: "{n} puestos en total",
    question: "su pregunta",
    accepted: {
      subject: "Su solicitud sobre {product} está atendida: {what}",
      title: "Su solicitud está atendida",
      words: "Lo que pidió está hecho: {what}.",
    },
    declined: {
      subject: "Su solicitud sobre {product} está rechazada: {what}",
      title: "Su solicitud está rechazada",
      words: "No hacemos lo que pidió: {what}.",
    },
    answered: {
      subject: "Una respuesta a su pregunta sobre {product}",
      title: "Una respuesta a su pregunta",
      words: "Nos hizo una pregunta en la página de sus licencias.",
    },
    preheader: "Qué respondemos, y dónde encontrarlo.",
    said: "Nuestra respuesta",
    button: "Abrir sus solicitudes",
  },
  contactAdded: {
    subject: "Un nuevo contacto para las licencias de {product}: {name}",
    title: "Se ha añadido un nuevo contacto",
    words: "{by} ha añadido a {name} ({email}) a los contactos de {company}.",
    preheader: "Quién es, y qué puede hacer usted.",
    allow:
      "El buzón está confirmado. Para iniciar sesión, el nuevo contacto necesita el consentimiento de otro contacto.",
    wrong: "¿Es un error? Quite el contacto en la página de contactos, o póngase en contacto con {contact}.",
    button: "Abrir los contactos",
  },
  confirm: {
    subject: "Confirme su buzón para {product} Licensing",
    title: "Confirme su buzón",
    words: "{by} de {company} quiere que usted reciba los mensajes sobre las licencias de {product}.",
    preheader: "Un clic, en un plazo de {n} días.",
    button: "Confirmar",
    notYou: "¿No lo esperaba? No hay nada que hacer: sin su confirmación no enviaremos nada más.",
  },
  covers: "Qué incluye",
  validEnd: "Válida {end}",
  graceEnd: "Período de gracia {end}",
  noGrace: "Sin período de gracia",
  renewal: {
    heading: "Cómo renovar",
    words:
      "Responda a este mensaje o escriba a {contact}. Tras la renovación, las instalaciones conectadas reciben la nueva clave por sí solas en su próximo contacto; para todas las demás se la enviamos a usted.",
    ask: "Solicitar la renovación",
    subject: "Renovación de la licencia {ids} de {product}",
  },

  delivery: {
    subject: {
      one: "Su licencia de {product}: {which}",
      more: "Sus {n} licencias de {product}: {which}",
    },
    title: { one: "Su licencia de {product}", more: "Sus {n} licencias de {product}" },
    preheader: {
      one: "Su clave de licencia y cómo instalarla en tres pasos. {validity}",
      more: "Sus claves de licencia y cómo instalarlas en tres pasos.",
    },
    intro: {
      one: "Aquí tiene su licencia de {product}. La clave está más abajo y en el archivo adjunto {files}.",
      more: "Aquí tiene sus {n} licencias de {product}. Las claves están más abajo y en los archivos adjuntos {files}.",
    },
    perpetual: "No vence.",
    valid: "Es válida {end}.",
    key: "Su clave de licencia",
    secret: "Trate una clave como una contraseña: quien la tenga puede activar instancias en su lugar.",
    install: "Cómo instalarla",
    steps: [
      "Coloque el archivo adjunto donde {product} lee su licencia, o pegue la clave en la página de licencia de {product}.",
      "Inicie {product}.",
      "Eso es todo: se activa por sí solo mediante HTTPS.",
    ],
  },
  renewed: {
    subject: {
      one: "Su licencia de {product} se ha renovado: {which}",
      more: "{n} licencias de {product} se han renovado: {which}",
    },
    title: {
      one: "Su licencia de {product} se ha renovado",
      more: "{n} licencias de {product} se han renovado",
    },
    preheader: "{validity} Las instalaciones conectadas no necesitan nada de usted.",
    thanks: "Gracias por seguir con nosotros.",
    valid: "Ahora es válida {end}.",
    validMore: "Ahora válida {end}",
    perpetual: "Ya no vence.",
    grace: "Después hay un período de gracia {end}.",
    connected: "Instalaciones conectadas",
    nothing: "No tiene que hacer nada: reciben la nueva clave por sí solas en su próximo contacto.",
    others: "Todas las demás instalaciones",
    put: {
      one: "La nueva clave está más abajo y en el archivo adjunto {files}. Sustituya con ella la anterior, o péguela en la página de licencia de {product}.",
      more: "Las nuevas claves están más abajo y en los archivos adjuntos {files}. Sustituya con cada una la anterior, o péguela en la página de licencia de {product}.",
    },
  },
  changed: {
    subject: {
      one: "Su licencia de {product} se ha modificado: {which}",
      more: "{n} licencias de {product} se han modificado: {which}",
    },
    title: {
      one: "Su licencia de {product} se ha modificado",
      more: "{n} licencias de {product} se han modificado",
    },
    preheader: "Qué es distinto ahora. {since}",
    words: { one: "Su licencia se ha modificado. ", more: "Sus licencias se han modificado. " },
    since: "Se aplica a partir del {at}.",
    what: "Qué ha cambiado",
    starts: "Válida a partir del",
    issue: "día de la emisión",
    noEnd: "sin fecha de vencimiento",
    days: { one: "{n} día", other: "{n} días" },
    versions: "Incluye las versiones creadas",
    allVersions: "en cualquier momento",
    installations: "Sus instalaciones",
    install:
      "Las instalaciones conectadas lo reciben por sí solas en su próximo contacto, y su clave sigue siendo válida. Todas las demás necesitan un archivo nuevo: escriba a {contact}.",
  },
  warning: {
    subject: {
      one: "Su licencia de {product} vence {when}: {which}",
      more: "{n} licencias de {product} vencen {when}: {which}",
    },
    title: { one: "Su licencia de {product} vence {when}", more: "{n} licencias de {product} vencen {when}" },
    subjectFirst: "{n} licencias de {product} vencen, la primera {when}: {which}",
    titleFirst: "{n} licencias de {product} vencen, la primera {when}",
    preheader: "Es válida {end}. Qué ocurre después y cómo renovarla.",
    preheaderMore: "Cuáles son, qué ocurre después y cómo renovarlas.",
    words: "Su licencia {type} de {product} ({id}) vence {when}.",
    wordsMore: "Estas licencias de {product} vencen pronto:",
    left: { one: "Queda {n} día", other: "Quedan {n} días" },
    expires: "Vence {when}",
    valid: "Válida {end}.",
    next: "Qué ocurre después",
    grace:
      "Nada se detiene de inmediato. Sin una renovación, {product} sigue funcionando en su período de gracia {end}; después se detiene.",
    stops: "Esta licencia no tiene período de gracia: sin una renovación, {product} se detiene entonces.",
    graceMore:
      "Sin una renovación, {product} sigue funcionando en el período de gracia de una licencia, si lo tiene; después se detiene.",
  },
  part: {
    subject: {
      one: "Una parte de su licencia de {product} termina {when}: {which}",
      more: "Partes de {n} licencias de {product} terminan, la primera {when}: {which}",
    },
    title: {
      one: "Una parte de su licencia de {product} termina {when}",
      more: "Partes de {n} licencias de {product} terminan, la primera {when}",
    },
    preheader: "Qué termina, qué ocurre después y cómo renovar.",
    words: "Su licencia {type} de {product} ({id}) incluye esto solo por un tiempo:",
    wordsMore: "Estas licencias de {product} incluyen algunas cosas solo por un tiempo:",
    after:
      "La licencia en sí sigue vigente. Sin una renovación, {product} sigue funcionando después sin lo que ha terminado.",
  },
  expired: {
    subject: {
      one: "Su licencia de {product} ha vencido: {which}",
      more: "{n} licencias de {product} han vencido: {which}",
    },
    title: { one: "Su licencia de {product} ha vencido", more: "{n} licencias de {product} han vencido" },
    preheaderGrace: "{product} sigue funcionando en período de gracia {end}. Cómo renovar.",
    preheaderStopped: "No tenía período de gracia, así que {product} se ha detenido. Cómo renovar.",
    preheaderMore: "Cuáles son y cómo renovarlas.",
    words: "Su licencia {type} de {product} ({id}) era válida {end} y ha vencido.",
    wordsMore: "Estas licencias de {product} han vencido:",
    was: "Era válida {end}",
    grace: "Período de gracia {end}",
    graceWords:
      "Durante ese tiempo, {product} sigue funcionando como antes. Sin una renovación, se detiene después.",
    stopped: "{product} se ha detenido",
    stoppedWords:
      "Esta licencia no tiene período de gracia. Con una renovación, {product} vuelve a funcionar.",
    graceMore:
      "Con una licencia en período de gracia, {product} sigue funcionando como antes y se detiene al final de ese período. Sin él, se ha detenido; con una renovación vuelve a funcionar.",
  },
};

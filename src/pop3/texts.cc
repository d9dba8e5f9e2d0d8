#include "pop3/texts.h"

#include "base/text.h"

#include <array>
#include <cstddef>

namespace paquebot::pop3 {
namespace {

constexpr std::array kLanguages = {LanguageName{"en", "English"}, LanguageName{"de", "Deutsch"},
                                   LanguageName{"fr", "Français"}, LanguageName{"es", "Español"}};

struct TextRow {
  Text text;
  std::string_view code;
  std::array<std::string_view, kLanguages.size()> words;
};

// In the order of Text.
constexpr TextRow kTexts[] = {
    {Text::greeting,
     "",
     {"{} POP3 server ready", "{} POP3-Server bereit", "{} serveur POP3 prêt", "{} servidor POP3 listo"}},
    {Text::goodbye, "", {"goodbye", "auf Wiedersehen", "au revoir", "adiós"}},
    {Text::nothing_done, "", {"nothing done", "nichts getan", "rien à faire", "nada hecho"}},
    {Text::capabilities, "", {"this server can", "dieser Server kann", "ce serveur sait", "este servidor sabe"}},
    {Text::language_list,
     "",
     {"these languages are known", "diese Sprachen sind bekannt", "langues connues", "idiomas conocidos"}},
    {Text::language_changed, "", {"language changed", "Sprache gewechselt", "langue changée", "idioma cambiado"}},
    {Text::language_unknown,
     "",
     {"this language is not known, LANG lists those that are",
      "diese Sprache ist nicht bekannt, LANG nennt die bekannten", "cette langue est inconnue, LANG donne la liste",
      "este idioma no es conocido, LANG da la lista"}},
    {Text::utf8_on,
     "",
     {"UTF-8 from now on", "ab jetzt UTF-8", "UTF-8 à partir de maintenant", "UTF-8 a partir de ahora"}},
    {Text::stls_after_utf8,
     "",
     {"STLS must come before UTF8", "STLS muss vor UTF8 kommen", "STLS doit précéder UTF8",
      "STLS debe preceder a UTF8"}},
    {Text::begin_tls, "", {"begin TLS now", "jetzt TLS beginnen", "commencez TLS", "comience TLS"}},
    {Text::tls_is_on, "", {"TLS is on already", "TLS ist schon an", "TLS est déjà actif", "TLS ya está activo"}},
    {Text::no_tls,
     "",
     {"TLS is not available here", "TLS gibt es hier nicht", "TLS n'est pas disponible ici",
      "TLS no está disponible aquí"}},
    {Text::clear_send_stls,
     "",
     {"passwords are taken only under TLS: send STLS first",
      "Passwörter werden nur unter TLS angenommen: zuerst STLS senden",
      "les mots de passe ne sont acceptés que sous TLS : envoyez d'abord STLS",
      "las contraseñas solo se aceptan con TLS: envíe primero STLS"}},
    {Text::clear_use_tls_port,
     "",
     {"passwords are taken only under TLS: use the port with TLS",
      "Passwörter werden nur unter TLS angenommen: den Port mit TLS benutzen",
      "les mots de passe ne sont acceptés que sous TLS : utilisez le port avec TLS",
      "las contraseñas solo se aceptan con TLS: use el puerto con TLS"}},
    {Text::send_pass, "", {"send PASS", "PASS senden", "envoyez PASS", "envíe PASS"}},
    {Text::user_first, "", {"send USER first", "zuerst USER senden", "envoyez d'abord USER", "envíe primero USER"}},
    {Text::bad_login_text,
     "",
     {"this is not UTF-8 as RFC 4013 allows it", "das ist kein UTF-8, wie RFC 4013 es erlaubt",
      "ce n'est pas de l'UTF-8 permis par la RFC 4013", "esto no es UTF-8 permitido por la RFC 4013"}},
    {Text::unknown_mechanism,
     "",
     {"unknown mechanism", "unbekanntes Verfahren", "mécanisme inconnu", "mecanismo desconocido"}},
    {Text::login_cancelled,
     "",
     {"login cancelled", "Anmeldung abgebrochen", "connexion annulée", "inicio de sesión cancelado"}},
    {Text::bad_base64, "", {"malformed base 64", "falsches Base64", "base 64 mal formé", "base 64 mal formado"}},
    {Text::bad_response, "", {"malformed response", "falsche Antwort", "réponse mal formée", "respuesta mal formada"}},
    {Text::wrong_login,
     "[AUTH]",
     {"wrong user name or password", "Benutzername oder Passwort falsch", "nom d'utilisateur ou mot de passe incorrect",
      "usuario o contraseña incorrectos"}},
    {Text::login_unchecked,
     "[SYS/TEMP]",
     {"the password can't be checked now, try again later",
      "das Passwort kann gerade nicht geprüft werden, später noch einmal versuchen",
      "le mot de passe ne peut pas être vérifié maintenant, réessayez plus tard",
      "la contraseña no se puede comprobar ahora, inténtelo más tarde"}},
    {Text::account_disabled,
     "[AUTH]",
     {"this account is disabled, ask your administrator", "dieses Konto ist gesperrt, bitte an die Verwaltung wenden",
      "ce compte est désactivé, demandez à votre administrateur",
      "esta cuenta está desactivada, consulte a su administrador"}},
    {Text::too_many_logins,
     "[LOGIN-DELAY]",
     {"too many logins, try again in a few minutes", "zu viele Anmeldungen, in ein paar Minuten noch einmal versuchen",
      "trop de connexions, réessayez dans quelques minutes",
      "demasiados inicios de sesión, inténtelo en unos minutos"}},
    {Text::mailbox_in_use,
     "[IN-USE]",
     {"another session has this mailbox open, try again later",
      "eine andere Sitzung hat dieses Postfach offen, später noch einmal versuchen",
      "une autre session a ouvert cette boîte, réessayez plus tard",
      "otra sesión tiene abierto este buzón, inténtelo más tarde"}},
    {Text::mailbox_not_opened,
     "[SYS/TEMP]",
     {"the mailbox can't be opened now, try again later",
      "das Postfach kann gerade nicht geöffnet werden, später noch einmal versuchen",
      "la boîte ne peut pas être ouverte maintenant, réessayez plus tard",
      "el buzón no se puede abrir ahora, inténtelo más tarde"}},
    {Text::mailbox_unreadable,
     "[SYS/TEMP]",
     {"the mailbox can't be read now, try again later",
      "das Postfach kann gerade nicht gelesen werden, später noch einmal versuchen",
      "la boîte ne peut pas être lue maintenant, réessayez plus tard",
      "el buzón no se puede leer ahora, inténtelo más tarde"}},
    {Text::message_unreadable,
     "[SYS/TEMP]",
     {"the message can't be read now, try again later",
      "die Nachricht kann gerade nicht gelesen werden, später noch einmal versuchen",
      "le message ne peut pas être lu maintenant, réessayez plus tard",
      "el mensaje no se puede leer ahora, inténtelo más tarde"}},
    {Text::messages,
     "",
     {"{} messages ({} octets)", "{} Nachrichten ({} Oktette)", "{} messages ({} octets)", "{} mensajes ({} octetos)"}},
    {Text::message_follows, "", {"message follows", "Nachricht folgt", "le message suit", "sigue el mensaje"}},
    {Text::will_be_deleted,
     "",
     {"message {} will be deleted at QUIT", "Nachricht {} wird bei QUIT gelöscht", "le message {} sera supprimé à QUIT",
      "el mensaje {} se borrará con QUIT"}},
    {Text::messages_deleted,
     "",
     {"{} messages deleted, goodbye", "{} Nachrichten gelöscht, auf Wiedersehen", "{} messages supprimés, au revoir",
      "{} mensajes borrados, adiós"}},
    {Text::not_deleted,
     "[SYS/TEMP]",
     {"not all of the messages could be deleted, the others are still there",
      "nicht alle Nachrichten konnten gelöscht werden, die übrigen sind noch da",
      "tous les messages n'ont pas pu être supprimés, les autres sont toujours là",
      "no se pudieron borrar todos los mensajes, los demás siguen ahí"}},
    {Text::no_such_message,
     "",
     {"no such message, there are {}", "keine solche Nachricht, es gibt {}", "pas de tel message, il y en a {}",
      "no hay tal mensaje, hay {}"}},
    {Text::message_deleted,
     "",
     {"message {} is deleted", "Nachricht {} ist gelöscht", "le message {} est supprimé",
      "el mensaje {} está borrado"}},
    {Text::unknown_command, "", {"unknown command", "unbekannter Befehl", "commande inconnue", "orden desconocida"}},
    {Text::log_in_first, "", {"log in first", "zuerst anmelden", "connectez-vous d'abord", "inicie primero la sesión"}},
    {Text::logged_in_already,
     "",
     {"you are logged in already", "Sie sind schon angemeldet", "vous êtes déjà connecté", "ya ha iniciado la sesión"}},
    {Text::control_characters,
     "",
     {"control characters are not allowed", "Steuerzeichen sind nicht erlaubt",
      "les caractères de contrôle ne sont pas permis", "no se permiten caracteres de control"}},
    {Text::needs_argument,
     "",
     {"{} needs an argument", "{} braucht ein Argument", "{} veut un argument", "{} necesita un argumento"}},
    {Text::takes_no_argument,
     "",
     {"{} takes no argument", "{} nimmt kein Argument", "{} ne prend pas d'argument", "{} no lleva argumento"}},
    {Text::needs_number,
     "",
     {"{} needs one message number", "{} braucht eine Nachrichtennummer", "{} veut un numéro de message",
      "{} necesita un número de mensaje"}},
    {Text::needs_number_and_lines,
     "",
     {"{} needs a message number and a number of lines", "{} braucht eine Nachrichtennummer und eine Zahl von Zeilen",
      "{} veut un numéro de message et un nombre de lignes", "{} necesita un número de mensaje y un número de líneas"}},
    {Text::line_too_long,
     "",
     {"the line is too long", "die Zeile ist zu lang", "la ligne est trop longue", "la línea es demasiado larga"}},
    {Text::too_many_errors,
     "",
     {"too many errors, goodbye", "zu viele Fehler, auf Wiedersehen", "trop d'erreurs, au revoir",
      "demasiados errores, adiós"}},
    {Text::going_down,
     "[SYS/TEMP]",
     {"the server is going down, try again in a few minutes",
      "der Server fährt herunter, in ein paar Minuten noch einmal versuchen",
      "le serveur s'arrête, réessayez dans quelques minutes", "el servidor se apaga, inténtelo en unos minutos"}},
    {Text::logged_out,
     "[AUTH]",
     {"your account was changed, log in again", "Ihr Konto wurde geändert, bitte neu anmelden",
      "votre compte a été modifié, reconnectez-vous", "su cuenta ha cambiado, vuelva a iniciar sesión"}},
    {Text::taken_over,
     "[SYS/TEMP]",
     {"a newer login has taken over, nothing was deleted",
      "eine neuere Anmeldung hat übernommen, nichts wurde gelöscht",
      "une connexion plus récente a pris le relais, rien n'a été supprimé",
      "un inicio de sesión más reciente ha tomado el relevo, no se ha borrado nada"}},
    {Text::other_protocol,
     "[SYS/PERM]",
     {"this is a POP3 server", "dies ist ein POP3-Server", "ceci est un serveur POP3", "este es un servidor POP3"}},
    {Text::tls_on_clear_port,
     "[SYS/PERM]",
     {"this port begins in clear, send STLS or use the port for TLS",
      "dieser Port beginnt im Klartext, STLS senden oder den Port für TLS benutzen",
      "ce port commence en clair, envoyez STLS ou utilisez le port TLS",
      "este puerto empieza sin cifrar, envíe STLS o use el puerto TLS"}},
};

constexpr bool in_order() {
  std::size_t n = 0;
  for (const TextRow& row : kTexts) {
    if (static_cast<std::size_t>(row.text) != n++) return false;
  }
  return n == static_cast<std::size_t>(Text::last) + 1;
}
static_assert(in_order());

const TextRow& row_of(Text text) { return kTexts[static_cast<std::size_t>(text)]; }

} // namespace

std::string_view code_of(Text text) { return row_of(text).code; }

std::string_view words_of(Text text, Language language) {
  return row_of(text).words[static_cast<std::size_t>(language)];
}

std::span<const LanguageName> languages() { return kLanguages; }

std::optional<Language> find_language(std::string_view range) {
  while (!range.empty()) {
    for (std::size_t n = 0; n < kLanguages.size(); ++n) {
      if (iequals(kLanguages[n].tag, range)) return static_cast<Language>(n);
    }
    const std::size_t cut = range.rfind('-');
    range = range.substr(0, cut == std::string_view::npos ? 0 : cut);
    if (range.size() >= 2 && range[range.size() - 2] == '-')
      range.remove_suffix(2); // section 3.4: single letters go too
  }
  return {};
}

} // namespace paquebot::pop3

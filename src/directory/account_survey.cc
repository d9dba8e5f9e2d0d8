#include "directory/account_survey.h"

#include "directory/directory.h"

#include <algorithm>
#include <map>

namespace paquebot::directory {

Survey survey_of(const std::vector<store::Account>& accounts) {
  Survey survey;
  struct Form {
    std::size_t accounts = 0;
    const std::string* sample = nullptr;
  };
  std::map<std::string, Form> forms;
  for (const store::Account& account : accounts) {
    if (account.password.empty()) continue;
    std::string form = hash_form(account.password);
    if (form != own_hash_form() && known_hash(account.password)) {
      Form& one = forms[std::move(form)];
      if (one.accounts++ == 0) one.sample = &account.password;
    }
    if (account.disabled || !account.scram_keys.empty()) continue;
    if (survey.without_scram_count++ < Survey::kNamed) survey.without_scram.push_back(account.login);
  }
  std::vector<Form> found;
  for (const auto& [name, form] : forms) found.push_back(form);
  std::ranges::stable_sort(found, std::ranges::greater(), &Form::accounts);
  if (found.size() > Survey::kForms) found.resize(Survey::kForms);
  for (const Form& form : found) survey.samples.push_back(*form.sample);
  return survey;
}

/// Whatever comes of the reading, the next one may begin.
struct AccountSurvey::Reading {
  AccountSurvey& survey;
  ~Reading() {
    const std::lock_guard lock(survey.mutex_);
    survey.reading_ = false;
  }
};

Task<Result<std::shared_ptr<const Survey>>> AccountSurvey::look() {
  const Age now{store_.generation(), keys_.load()};
  {
    const std::lock_guard lock(mutex_);
    if (known_ && (age_ == now || reading_)) co_return known_;
    reading_ = true;
  }
  const Reading reading{*this};
  std::string everywhere;
  auto accounts = co_await store_.list_accounts(std::move(everywhere));
  const std::lock_guard lock(mutex_);
  if (!accounts) co_return std::unexpected(accounts.error());
  known_ = std::make_shared<const Survey>(survey_of(*accounts));
  age_ = now;
  co_return known_;
}

} // namespace paquebot::directory
